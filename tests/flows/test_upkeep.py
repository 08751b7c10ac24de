"""What was due while nothing was served: made up for once, the rest shown as missed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from config.settings import ServeSettings, Settings


@pytest.mark.parametrize(("catch_up", "left"), [(True, 1), (False, 0)])
def test_runs_due_while_nothing_was_served(prefect_server: str, catch_up: bool, left: int) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    from flows.deployments import deployments
    from flows.upkeep import miss_old_runs

    nightly = ServeSettings(refresh_cron="30 2 * * *", time_zone="UTC", catch_up=catch_up)
    refresh = next(d for d in deployments(Settings(serve=nightly), None) if d.name == "refresh")
    deployment = refresh.apply()
    now = datetime.now(UTC)
    with get_client(sync_client=True) as client:
        # What the scheduler of the server does, over nights that are past.
        answer = client.request(
            "POST",
            "/deployments/{id}/schedule",
            path_params={"id": deployment},
            json={
                "start_time": (now - timedelta(days=4)).isoformat(),
                "end_time": (now - timedelta(hours=1)).isoformat(),
                "min_runs": 3,
                "max_runs": 4,
            },
        )
        assert answer.is_success
        mine = FlowRunFilter.model_validate({"deployment_id": {"any_": [deployment]}})
        due = [run for run in client.read_flow_runs(flow_run_filter=mine) if run.state_name == "Scheduled"]
        past = {run.name: run.expected_start_time for run in due if run.expected_start_time < now}
        assert len(past) >= 3
        missed = miss_old_runs(nightly)
        assert set(missed) <= set(past)
        assert len(past) - len(missed) == left
        if left:  # the last one is made up for
            assert max(past, key=lambda name: past[name]) not in missed
        names = Counter(run.state_name for run in client.read_flow_runs(flow_run_filter=mine))
        assert names["Missed"] == len(missed)
        client.delete_deployment(deployment)
