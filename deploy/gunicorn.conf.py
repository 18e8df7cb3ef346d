"""How gunicorn serves the pages, wherever it is started (`make run`, systemd, container).

Threads, since a page waits for the database; two processes, since a signature keeps one core busy.
`--bind` stands on the command line.
"""

from __future__ import annotations

import os
from pathlib import Path

worker_class = "gthread"
workers = int(os.environ.get("AGGPORTAL_WEB_PROCESSES", "2"))
threads = int(os.environ.get("AGGPORTAL_WEB_THREADS", "8"))
# A worker's heartbeat must not wait for a slow disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 -- only a folder
timeout = 60
graceful_timeout = 5
keepalive = 15
# The control socket would let whoever reaches it reconfigure the server; nobody needs that here.
control_socket_disable = True
