"""Server, dashboard, schedules, and who is told when something goes wrong."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from config.options.section import Section

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ServeSettings(Section):
    """Server, dashboard and schedules."""

    host: str = Field(
        "127.0.0.1", description="Address the server listens on; anything but loopback wants a password."
    )
    port: int = Field(4200, ge=1, le=65_535, description="Port of server and dashboard.")
    reports_port: int = Field(4201, ge=1, le=65_535, description="Port of the reports of versions.")
    reports_url: str = Field(
        "", description="Address under which people reach the reports; empty: http://host:reports_port."
    )
    api_url: str = Field(
        "", description="A Prefect server that runs elsewhere (http://host:4200/api); empty: start one here."
    )
    home: str = Field("data/prefect", description="Folder of the server's own database and logs.")
    database: str = Field(
        "",
        description="The server's database, e.g. postgresql+asyncpg://user:password@host/prefect; empty: SQLite in "
        "`home`. Better given as QINGYUAN_SERVE__DATABASE.",
    )
    password: str = Field(
        "", description="`user:password` for the dashboard; better given as QINGYUAN_SERVE__PASSWORD."
    )
    time_zone: str = Field("Asia/Shanghai", description="Time zone of the schedules (IANA name).")
    refresh_cron: str = Field(
        "30 2 * * *", description="When the refresh runs by itself (cron); empty means never."
    )
    fetch_cron: str = Field("", description="When the fetch runs by itself (cron); empty means never.")
    maintain_cron: str = Field(
        "", description="When housekeeping of the store runs by itself (cron); empty means never."
    )
    catch_up: bool = Field(
        True,
        description="Make up for the last scheduled run that was missed while nothing was served; others, and with "
        "false all, are marked as Missed.",
    )
    second_run: Literal["wait", "refuse"] = Field(
        "wait", description="What becomes of a run that is started while one of its kind works."
    )
    stop_seconds: float = Field(
        8, gt=0, le=600, description="Time that server and runs get to end when stopped."
    )
    heartbeat_seconds: int = Field(
        30, ge=30, le=3600, description="Seconds between two signs of life of a run."
    )
    crash_seconds: int = Field(
        95, ge=35, le=86_400, description="A run without a sign of life for so long counts as crashed."
    )
    keep_days: int = Field(
        90, ge=1, le=3650, description="Days that runs stay in the dashboard, with their logs and artifacts."
    )
    log: Literal["text", "json"] = Field(
        "text", description="Log lines of served runs: for people, or one JSON object a line."
    )

    @field_validator("refresh_cron", "fetch_cron", "maintain_cron")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        if value and len(value.split()) != 5:
            raise ValueError(f"{value!r} is no cron line of five fields such as 30 2 * * *")
        return value

    @model_validator(mode="after")
    def _fitting(self) -> ServeSettings:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"time_zone {self.time_zone!r} is no IANA time zone such as Asia/Shanghai"
            ) from error
        if self.host not in LOOPBACK and not self.password:
            raise ValueError(
                f"host {self.host} can be reached by others: set a password (serve.password) first"
            )
        if self.crash_seconds <= self.heartbeat_seconds:
            raise ValueError(
                "crash_seconds must be longer than heartbeat_seconds, or sound runs count as crashed"
            )
        return self


class NotifySettings(Section):
    """Who is told when something goes wrong: a webhook, e-mail, or both; nobody by default."""

    on: list[Literal["failed", "crashed", "late", "warning", "completed"]] = Field(
        ["failed", "crashed", "late", "warning"],
        description="What is told: runs that failed, crashed, did not start in time, or found figures off "
        "(`watch`); completed ones.",
    )
    webhook: str = Field(
        "", description="Address that gets a JSON object by POST: event, flow, run, message, url."
    )
    email_to: list[str] = Field([], description="Addresses that get an e-mail.")
    email_from: str = Field("qingyuan@localhost", description="Sender of the e-mails.")
    smtp_host: str = Field("127.0.0.1", description="Mail server.")
    smtp_port: int = Field(25, ge=1, le=65_535, description="Its port.")
    smtp_security: Literal["none", "starttls", "tls"] = Field(
        "none", description="Encryption of the way there."
    )
    smtp_user: str = Field("", description="User name, where the mail server wants one.")
    smtp_password: str = Field(
        "", description="Its password; better given as QINGYUAN_NOTIFY__SMTP_PASSWORD."
    )
    every_seconds: float = Field(
        15, ge=0.2, le=3600, description="Seconds between two looks at the runs of the server."
    )
    timeout_seconds: float = Field(20, gt=0, le=600, description="Time a notification may take.")
