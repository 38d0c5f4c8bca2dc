# SPDX-License-Identifier: BSD-2-Clause
# Fetches URLs one after the other in one session and throws away what comes.
import sys

import requests

with requests.Session() as session:
    session.trust_env = False
    for url in sys.argv[1:]:
        with session.get(url, stream=True, verify=False, timeout=60) as answer:
            answer.raise_for_status()
            for _ in answer.iter_content(1 << 18):
                pass
