#!/usr/bin/env bash
# What action.yml does: setup.sh folder | install FOLDER | path FOLDER | agent-user FOLDER
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
lock=$source/.github/orchestrate/requirements.lock
pin=$source/.github/orchestrate/bot.txt # where the bot is elsewhere: its repository and commit

# Where this bot is installed for this machine's Python; another bot or lock has another folder.
folder() {
  local key
  key=$(
    cd "$source"
    {
      python3 -VV
      uname -m
      if [[ -f $pin ]]; then
        sha256sum <"$lock" && sha256sum <"$pin"
      else
        find bot agents examples pyproject.toml "$lock" -type f -not -name '*.pyc' -print0 \
          | LC_ALL=C sort -z | xargs -0 sha256sum | sed "s#$source/##"
      fi
    } | sha256sum | cut -c1-32
  )
  printf '%s/orchestrate/%s\n' "${RUNNER_TOOL_CACHE:-$HOME/.cache}" "$key"
}

# The program comes last, so that a folder that has it is whole.
install() {
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || { echo "::error::Orchestrate needs Python 3.11 or newer on the runner; take a newer image."; exit 1; }
  python3 -m venv "$1"
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  local bot=("$source")
  if [[ -f $pin ]]; then bot=(--requirement "$pin"); fi
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    "${bot[@]}"
}

# One program, not the whole bin folder: the repository's tests keep the Python that they had.
path() {
  mkdir -p "$RUNNER_TEMP/orchestrate-bin"
  ln -sfn "$1/bin/orchestrate" "$RUNNER_TEMP/orchestrate-bin/orchestrate"
  echo "$RUNNER_TEMP/orchestrate-bin" >> "$GITHUB_PATH"
}

agent-user() {
  local user=orchestrate-agent
  if ! id "$user" >/dev/null 2>&1 \
    && ! sudo -n useradd --system --create-home --shell /bin/bash "$user" 2>/dev/null; then
    echo "::warning::No user of their own for agents and tests: useradd cannot be run with sudo here."
    return
  fi
  # On GitHub's machines everybody may write to the tool cache, and so exchange the bot in it.
  chmod go-w "$1" "$(dirname "$1")" "$(dirname "$(dirname "$1")")"
  echo "ORCHESTRATE_AGENT_USER=$user" >> "$GITHUB_ENV"
}

"$@"
