#!/bin/sh
# What pip cannot install: browser, fonts, text layout for PDF, mail servers and the npm checkers of the tests.
# Debian or Ubuntu, as root, with Node 20 or newer already present. Safe to run again; starts no service.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

if ! command -v apt-get >/dev/null 2>&1; then
    say "apt-get not found. Install chromium, pango, poppler, DejaVu and Liberation fonts, postfix and dovecot by hand."
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    say "Run as root: sudo sh tools/install_system.sh"
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
install_packages() { apt-get -o DPkg::Lock::Timeout=300 install --yes --quiet --no-install-recommends "$@"; }

apt-get -o DPkg::Lock::Timeout=300 update --quiet
# The package scripts of the mail servers would start them: this answer of policy-rc.d forbids it for this run only.
policy=/usr/sbin/policy-rc.d
made_policy=no
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    made_policy=yes
fi
trap '[ "$made_policy" = no ] || rm -f "$policy"' EXIT

say "browser, fonts, PDF"
install_packages chromium fonts-dejavu-core fonts-liberation2 libpango-1.0-0 libpangoft2-1.0-0 \
    libharfbuzz-subset0 poppler-utils
say "mail servers and the maker of their certificate for the acceptance test (not started)"
install_packages postfix dovecot-imapd openssl

if command -v npm >/dev/null 2>&1; then
    say "npm checkers (lock file, no package scripts)"
    (cd "$here/tests/node" && npm ci --ignore-scripts --no-audit --no-fund)
else
    say "npm not found: install Node 20 or newer, then run this script again; browser tests are skipped until then."
fi

if [ -f "$here/requirements-spark.lock" ] && [ -x "$here/.venv/bin/python" ]; then
    say "Spark for the optional route of request logs"
    install_packages openjdk-17-jre-headless
    # In a folder of its own: other libraries change their behaviour when they find pyspark beside them.
    [ -d "$here/.spark/pyspark" ] || "$here/.venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes --no-deps --target "$here/.spark" -r "$here/requirements-spark.lock"
fi
say "done"
