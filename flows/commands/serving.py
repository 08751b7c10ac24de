"""Commands that stay: `serve` and `server`."""

from __future__ import annotations

import signal

from flows.commands.app import ConfigOption, app, err, settings_of


@app.command()
def serve(config: ConfigOption = None) -> int:
    """Server, dashboard and schedules on this machine, until Ctrl-C."""
    settings = settings_of(config)
    from flows.serve import ServeError, serve_deployments, server

    try:
        with server(settings) as address:
            from flows.reports import reports_served

            with reports_served(settings):
                err.print(
                    f"dashboard: {address}   (Ctrl-C stops it; running work can be resumed)", markup=False
                )
                serve_deployments(settings, config)
    except ServeError as error:
        err.print(f"qingyuan: {error}", markup=False)
        return 1
    except KeyboardInterrupt:
        err.print("stopped")
    return 0


@app.command()
def server(config: ConfigOption = None) -> int:
    """The server with its dashboard alone; `serve` with serve.api_url runs the flows, here or elsewhere."""
    settings = settings_of(config)
    from flows.serve import ServeError
    from flows.serve import server as running

    try:
        # Stops like Ctrl-C when a service manager or a container ends it.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with running(settings) as address:
            err.print(f"dashboard: {address}   (Ctrl-C stops it)", markup=False)
            signal.pause()
    except ServeError as error:
        err.print(f"qingyuan: {error}", markup=False)
        return 1
    except KeyboardInterrupt:
        err.print("stopped")
    return 0
