"""Grafana's dashboards: `boards` says what they show, `grafana` how that is written."""
