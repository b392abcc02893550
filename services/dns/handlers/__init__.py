"""What the DNS service does: following records, keeping the zone, answering."""
