"""What the dashboards show."""

from scripts.dashboards.boards.fleet import FLEET
from scripts.dashboards.boards.launches import LAUNCHES
from scripts.dashboards.boards.lifetimes import LIFETIMES
from scripts.dashboards.boards.services import SERVICES

BOARDS = (FLEET, LAUNCHES, LIFETIMES, SERVICES)
