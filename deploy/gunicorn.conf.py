"""How gunicorn serves the pages, wherever it is started (`make run`, systemd, container).

Threads, since a page waits for the database; two processes, since a signature keeps one core busy. The memory file
system keeps a worker's heartbeat off a slow disk. `--bind` stands on the command line.
"""

from __future__ import annotations

import os

worker_class = "gthread"
workers = int(os.environ.get("AGGPORTAL_WEB_PROCESSES", "2"))
threads = int(os.environ.get("AGGPORTAL_WEB_THREADS", "8"))
worker_tmp_dir = "/dev/shm"  # noqa: S108 -- gunicorn's own recommendation; the name in it is random
timeout = 60
graceful_timeout = 5
keepalive = 15
# gunicorn's control socket would let whoever reaches it reconfigure the server; nobody needs that here.
control_socket_disable = True
