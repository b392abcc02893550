"""What every process of spawn shares: settings, services and how they are run."""
