"""What importing the Kubernetes core costs: nothing heavy before the first request."""

from __future__ import annotations

import subprocess
import sys


def test_nothing_heavy_is_imported_before_the_first_request():
    code = (
        "import sys\n"
        "import aggportal.kube.client, aggportal.kube.watching, aggportal.kube.kubeconfig\n"
        "import aggportal.kube.registering, aggportal.kube.egress\n"
        "heavy = {'kubernetes', 'urllib3', 'django', 'requests'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
