"""The one training loop, for every family and backend.

Each iteration: learning rates, batch, step, check, log, sample pictures, checkpoint. Nothing random happens
here and nothing is remembered between iterations but the state of the step, so an iteration after a resume is
the iteration that would have followed without.
"""

from __future__ import annotations

import logging
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from neutral import checkpoint
from neutral.backend import Backend, TrainStep
from neutral.checkpoint import Checkpoint, Metadata
from neutral.config import FamilyConfig
from neutral.data.loader import Loader
from neutral.errors import Interrupted
from neutral.family import Family
from neutral.images import write_image
from neutral.training.clock import Clock
from neutral.training.folder import RunFolder
from neutral.training.hooks import Hooks, TrainingData
from neutral.training.initial import initial_state
from neutral.training.interrupt import Interruption
from neutral.training.logs import Entry, Logs, headline
from neutral.training.progress import ProgressBar
from neutral.training.saving import Kind, due, require_finite_losses, require_finite_state
from neutral.training.threads import thread_count

log = logging.getLogger("parity")


@dataclass(frozen=True)
class Run:
    """What is trained, and with what. `config` is final; its folder is the run's."""

    family: Family
    hooks: Hooks
    config: FamilyConfig
    backend: Backend

    @property
    def folder(self) -> RunFolder:
        """Where the run writes."""
        return RunFolder.of(self.config)

    @property
    def threads(self) -> int:
        """CPU threads."""
        return thread_count(self.config.threads)

    @property
    def resume_command(self) -> str:
        """The command line that goes on with this run."""
        place = {"dataset": self.config.dataset, "result_dir": self.config.result_dir}
        options = [text for name, value in place.items() for text in (f"--{name}", value)]
        command = ["parity", "train", "--family", self.family.name, "--backend", self.backend.name]
        return shlex.join([*command, "--resume", *options])


@dataclass(frozen=True)
class Result:
    """How a run ended: its last iteration, the losses there, the newest checkpoint, the training time."""

    iteration: int
    losses: dict[str, float]
    checkpoint: Path
    seconds: float


def train(run: Run, begin: Checkpoint | None = None) -> Result:
    """Train to `config.iteration`, from the initial values or from `begin`.

    Raises `DivergedError` when a loss is not finite, `Interrupted` after a signal once all is saved, and
    `DataError`, `CheckpointError`, `EnvironmentFault` as their names say. Run it in the main thread.
    """
    config = run.config
    if begin is not None and begin.metadata.iteration >= config.iteration:
        metadata = begin.metadata
        log.info(
            "nothing to do: %s is at iteration %d of %d", begin.folder, metadata.iteration, config.iteration
        )
        return Result(metadata.iteration, metadata.losses, begin.folder, metadata.elapsed)
    run.backend.check_device(config.device)
    run.backend.use_threads(run.threads)
    data = run.hooks.data(config)
    step = run.backend.step(run.family.name, config, dtype=config.dtype, device=config.device)
    step.load(begin.state() if begin is not None else initial_state(run.family, config, step))
    run.folder.describe(config, run.backend, run.threads)
    start, earlier = (begin.metadata.iteration, begin.metadata.elapsed) if begin is not None else (0, 0.0)
    clock = Clock(earlier)
    with (
        Interruption() as interruption,
        Logs(run.folder.logs, run.hooks, config.iteration, start) as logs,
        Loader(data.batch, workers=config.workers, start=start + 1) as loader,
        ProgressBar(config.iteration, start, clock) as bar,
    ):
        announce(run, data, start)
        session = Session(run, step, data, loader, logs, clock, begin.folder if begin is not None else None)
        for iteration in range(start + 1, config.iteration + 1):
            session.iterate(iteration)
            bar.advance(headline(run.hooks, session.losses))
            if interruption.name and iteration < config.iteration:
                session.save(iteration, "latest")
                raise Interrupted(
                    f"stopped by {interruption.name} after iteration {iteration} of {config.iteration}; "
                    f"saved {session.saved}. Go on with:\n  {run.resume_command}"
                )
        assert session.saved is not None
        return Result(config.iteration, session.losses, session.saved, clock.elapsed)


@dataclass
class Session:
    """One stretch of a run, from its beginning or a checkpoint to its end or an interruption."""

    run: Run
    step: TrainStep
    data: TrainingData
    loader: Loader
    logs: Logs
    clock: Clock
    saved: Path | None
    """The newest checkpoint."""
    losses: dict[str, float] = field(default_factory=dict)
    """Losses of the last iteration."""

    def iterate(self, iteration: int) -> None:
        """One iteration, and what is due after it."""
        config = self.run.config
        rates = self.run.family.learning_rates(config, iteration)
        with self.clock.measuring("data"):
            batch = self.loader.batch(iteration)
        with self.clock.measuring("compute"):
            self.step.run(batch, rates)
            self.losses = self.step.losses()
        require_finite_losses(self.losses, iteration, self.advice())
        if iteration % config.log_freq == 0 or iteration == config.iteration:
            times = self.clock.per_iteration()
            self.logs.add(Entry(iteration, self.clock.elapsed, *times, rates, self.losses))
        if iteration % config.print_freq == 0:
            self.show(iteration)
        kind = due(config, iteration)
        if kind is not None:
            self.save(iteration, kind)

    def show(self, iteration: int) -> None:
        """Write the sample pictures of `iteration`."""
        for name, picture in self.run.hooks.previews(self.data, iteration, self.step.networks):
            write_image(self.run.folder.images / f"{name}.png", picture)
            self.logs.picture(iteration, name, picture)

    def save(self, iteration: int, kind: Kind) -> None:
        """Write a checkpoint, unless this iteration has one, and delete those that it replaces."""
        run = self.run
        if self.saved == checkpoint.folder_of(run.folder.model, iteration):
            return
        state = self.step.state()
        require_finite_state(state, iteration, self.advice())
        metadata = Metadata(
            family=run.family.name,
            iteration=iteration,
            config=run.config.model_dump(),
            kind=kind,
            backend=run.backend.name,
            versions=run.backend.versions(),
            losses=self.losses,
            elapsed=round(self.clock.elapsed, 3),
        )
        self.saved = checkpoint.write(run.folder.model, state, metadata)
        checkpoint.prune(run.folder.model, run.config.keep_last)
        log.info("saved %s", self.saved)

    def advice(self) -> str:
        """What can be done when training has diverged."""
        if self.saved is None:
            return "There is no checkpoint yet; a lower learning rate may help"
        return f"The last good checkpoint is {self.saved}; go on from it with a lower learning rate"


def announce(run: Run, data: TrainingData, start: int) -> None:
    """The banner at the start of a session."""
    config = run.config
    rows = {"family": run.family.title, "backend": f"{run.backend.name}, {config.device}, {config.dtype}"}
    rows |= {"CPU threads": str(run.threads)}
    rows |= {"data": run.hooks.describe(data), "folder": str(run.folder.root)}
    rows |= {label: str(value) for label, value in run.hooks.banner(config).items()}
    width = max(map(len, rows))
    log.info("%s", "\n".join(["training", *(f"  {label:<{width}}  {text}" for label, text in rows.items())]))
    if start:
        log.info("resumed after iteration %d of %d", start, config.iteration)
