"""What keeps the list of runs true: crashed runs shown as crashed, missed ones as missed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prefect.automations import Automation
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture

from config.settings import ServeSettings

AUTOMATION = "a run without signs of life has crashed"
_HEARTBEAT = "prefect.flow-run.heartbeat"
_RUNNING = "prefect.flow-run.Running"
_ENDED = ("Completed", "Failed", "Cancelled", "Crashed")


def watch_heartbeats(serve: ServeSettings) -> None:
    """Have the server call a run crashed that gave no sign of life for `serve.crash_seconds`.

    The runner notices the death of a run at once; this is for the death of the runner with its runs.
    """
    wanted = Automation(
        name=AUTOMATION,
        description="Kept by `qingyuan serve`.",
        trigger=EventTrigger(
            # The state is told by the server: a run may die before its first heartbeat.
            after={_RUNNING, _HEARTBEAT},
            expect={_HEARTBEAT, *(f"prefect.flow-run.{name}" for name in _ENDED)},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=serve.crash_seconds),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"no sign of life for {serve.crash_seconds} s; the next run goes on with what was finished",
            )
        ],
    )
    with get_client(sync_client=True) as client:
        known = client.read_automations_by_name(AUTOMATION)
        for automation in known[1:]:
            client.delete_automation(automation.id)
    if known:
        wanted.id = known[0].id
        wanted.update()
    else:
        wanted.create()


def end_lost_runs(message: str) -> list[str]:
    """Show runs that have no process any more, and did not end, as crashed; gives their names.

    For runs of this machine: called before anything is served (the server may have died with its runs,
    and then nobody counted their heartbeats) and when nothing is served any more.
    """
    states = {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}
    alive = _runs_with_process()
    ended = []
    with get_client(sync_client=True) as client:
        for run in _runs(client, {"state": states, "deployment_id": {"is_null_": False}}):
            if str(run.id) in alive:
                continue
            state = State[None](type=StateType.CRASHED, name="Crashed", message=message)
            client.set_flow_run_state(run.id, state, force=True)
            ended.append(run.name)
    return ended


def kill_runs(home: str) -> None:
    """End the processes of runs that this process started, workers too, and that outlived it.

    `home` is Prefect's home folder, by which they are known. What they had finished is kept.
    """
    for number, _, theirs in _run_processes():
        if theirs == home and number != os.getpid():
            with suppress(OSError):
                os.kill(number, signal.SIGKILL)


def _runs_with_process() -> set[str]:
    """Ids of the runs that a process of this machine works on."""
    return {run for number, run, _ in _run_processes() if _is_engine(number)}


def _is_engine(number: int) -> bool:
    """Whether a process is that of a run, not one of its workers, which have the same environment."""
    try:
        return b"prefect.engine" in Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return False


def _run_processes() -> Iterator[tuple[int, str, str]]:
    """(process, id of the run, Prefect's home) of all that work on runs: Prefect names both in the environment."""
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            pairs = (variable.partition(b"=") for variable in place.read_bytes().split(b"\0"))
            values = {name: value.decode(errors="replace") for name, _, value in pairs}
        except OSError:
            continue  # it ended, or belongs to somebody else
        if run := values.get(b"PREFECT__FLOW_RUN_ID"):
            yield int(place.parent.name), run, values.get(b"PREFECT_HOME", "")


def miss_old_runs(serve: ServeSettings) -> list[str]:
    """Mark scheduled runs that were due while nothing was served as Missed; gives their names.

    With `serve.catch_up` the last one of each deployment stays and is made up for.
    """
    now = datetime.now(UTC)
    filters = {
        "state": {"type": {"any_": ["SCHEDULED"]}},
        "deployment_id": {"is_null_": False},
        "expected_start_time": {"before_": now - timedelta(seconds=60)},
    }
    missed = []
    with get_client(sync_client=True) as client:
        made_up: set[object] = set()
        for run in _runs(client, filters):  # the latest first
            if not run.auto_scheduled:
                continue
            if serve.catch_up and run.deployment_id not in made_up:
                made_up.add(run.deployment_id)
                continue
            state = State[None](
                type=StateType.CANCELLED, name="Missed", message="nothing was served when this run was due"
            )
            client.set_flow_run_state(run.id, state, force=True)
            missed.append(run.name)
    return missed


def _runs(client: SyncPrefectClient, filters: dict[str, object]) -> list[FlowRun]:
    """The runs that fit, the latest first."""
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter.model_validate(filters),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=200,
    )
