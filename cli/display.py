"""What a person sees while something goes on: a display on a terminal, lines elsewhere."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.following import Display
from cli.lines import Narrator, clean, format_counts, format_pools, ran_for, refusal_lines
from cli.output import Write
from cli.progress import Progress
from cli.render import STATE_STYLES, note, note_bytes
from spawn.clock import Clock
from spawn.contracts.events import ArrayLaunching, Event

_BAR = 32
_REDRAWS = 8
"""Times a second: enough for a moving bar, few enough for a slow terminal."""


class Lines:
    """Tells what happens in lines on stderr; a job's output goes where `output` writes it."""

    def __init__(self, output: Write) -> None:
        self._narrator = Narrator()
        self._output = output

    def look(self, progress: Progress) -> None:
        """Write nothing: only what happens is told."""

    def show(self, event: Event, progress: Progress) -> None:
        """Write the lines that an event is worth."""
        for line in self._narrator.tell(event, progress):
            note(line)

    def say(self, text: str) -> None:
        """Write a line."""
        note(text)

    def write(self, data: bytes) -> None:
        """Write output as it is."""
        self._output(data)


class Board:
    """Draws one array: a bar, its members by state, the pools tried, the time it has taken.

    A job's output goes where `output` writes it, or scrolls above.
    """

    def __init__(self, title: str, clock: Clock, output: Write | None = None) -> None:
        self.console = Console(stderr=True)
        self._output = output or self._scroll
        self._title = title
        self._clock = clock
        self._began = clock.monotonic()
        self._progress = Progress()
        self._said: list[str] = []

    def look(self, progress: Progress) -> None:
        """Take in what is to be drawn next."""
        self._progress = progress

    def show(self, event: Event, progress: Progress) -> None:
        """Take in what is to be drawn next, and what has been tried."""
        self._progress = progress
        if isinstance(event.data, ArrayLaunching):
            self._said = [*refusal_lines(event.data.refusals), _asked(event.data)]

    def say(self, text: str) -> None:
        """Keep a sentence in sight."""
        self._said.append(clean(text))

    def write(self, data: bytes) -> None:
        """Show output."""
        self._output(data)

    def _scroll(self, data: bytes) -> None:
        text = Text.from_ansi(data.decode(errors="replace"), no_wrap=True)
        self.console.print(text, soft_wrap=True)

    def refused(self) -> list[str]:
        """Return what pools answered to a launch that went on elsewhere."""
        alive = self._progress.state is not None and not self._progress.state.is_over
        return refusal_lines(self._progress.refusals) if alive else []

    def draw(self) -> Group:
        """Draw it as it is now."""
        progress = self._progress
        elapsed = timedelta(seconds=self._clock.monotonic() - self._began)
        state = progress.state or "asking"
        head = Table.grid(padding=(0, 1))
        head.add_row(
            Spinner("dots", style="cyan"),
            Text(self._title, "bold"),
            Text(state, STATE_STYLES.get(state, "cyan")),
            _bar(progress),
            Text(format_counts(progress.counts)),
            Text(ran_for(elapsed), "dim"),
        )
        return Group(head, *(Text(f"  {line}", "dim") for line in self._said))


def _asked(data: ArrayLaunching) -> str:
    """Say which pools come next; what others answered stands above."""
    pools = format_pools(data.pools)
    if not pools:
        return "no pool is left"
    return f"next: {pools}" if data.refusals else clean(f"{data.reason}: {pools}")


@contextmanager
def _left_behind(board: Board) -> Generator[None]:
    """Leave on the screen what the last word doesn't repeat."""
    yield
    for line in board.refused():
        note(line)


def _bar(progress: Progress) -> ProgressBar:
    """Show the members that run, or, at the end, those that are gone."""
    done = progress.gone if progress.is_ending else progress.present
    return ProgressBar(total=max(1, progress.size), completed=done, width=_BAR)


@contextmanager
def displayed(title: str, clock: Clock, *, output: Write | None = None) -> Generator[Display]:
    """Show what goes on for the length of the block.

    A job's output goes where `output` writes it, or else to where all is said; on a terminal it
    scrolls above what is drawn.
    """
    if not sys.stderr.isatty():
        yield Lines(output or note_bytes)
        return
    board = Board(title, clock, None if sys.stdout.isatty() else output)
    with (
        _left_behind(board),
        Live(
            get_renderable=board.draw,
            console=board.console,
            refresh_per_second=_REDRAWS,
            transient=True,
        ),
    ):
        yield board
