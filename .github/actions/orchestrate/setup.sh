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
  # Where the agents' user gets to, and the bot may still write when it has prepared the machine.
  echo "ORCHESTRATE_ENGINES=$RUNNER_TEMP/orchestrate-engines" >> "$GITHUB_ENV"
}

# A machine of GitHub's is thrown away after the job, so it may be changed; one of somebody's own
# is left as it is, and has the user or not. Without the user the bot says how far it can go.
agent-user() {
  if [[ ${RUNNER_ENVIRONMENT:-} == github-hosted ]] && ! prepare-sandbox; then
    echo "::warning::Agents and tests run without a sandbox: bubblewrap could not be set up."
  fi
  local user=orchestrate-agent without="::warning::Agents and tests run as the bot's own user:"
  local place places
  if [[ ${RUNNER_ENVIRONMENT:-} == github-hosted ]] && ! prepare-machine "$user"; then
    echo "$without this machine could not be prepared for another one."
    return
  fi
  if ! id "$user" >/dev/null 2>&1; then
    echo "$without there is no $user on this machine."
    return
  fi
  if ! sudo -n -u "$user" true; then
    echo "$without sudo does not start anything as $user."
    return
  fi
  IFS=: read -ra places <<<"$1:$PATH"
  for place in "${places[@]}"; do
    if sudo -n -u "$user" test -w "$place"; then
      echo "$without $user may write to $place."
      return
    fi
  done
  echo "ORCHESTRATE_AGENT_USER=$user" >> "$GITHUB_ENV"
}

# Sandboxes are made by the agents' user, which Ubuntu 24.04 forbids at first.
prepare-sandbox() {
  local setting=kernel.apparmor_restrict_unprivileged_userns
  local apt=(sudo -n timeout 120 apt-get -qq -o Acquire::Retries=3)
  if ! command -v bwrap >/dev/null; then
    "${apt[@]}" install -y --no-install-recommends bubblewrap >/dev/null \
      || { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends bubblewrap >/dev/null; } \
      || return 1
  fi
  if [[ -e /proc/sys/${setting//.//} ]]; then
    sudo -n sysctl -q -w "$setting=0" || return 1
  fi
}

prepare-machine() {
  local place
  sudo -n useradd --system --create-home --shell /bin/bash "$1" || return 1
  # The image lets everybody write there, and programs that the bot starts, some as root, are there.
  for place in /opt /usr/local /usr/share; do
    sudo -n mount --bind "$place" "$place" || return 1
    sudo -n mount -o remount,bind,ro "$place" || return 1
  done
  # The runner's home is closed to others, and the folders that agents work in are below it.
  place=$RUNNER_TEMP
  while [[ $place != / ]]; do
    sudo -n chmod o+x "$place" || return 1
    place=$(dirname "$place")
  done
}

"$@"
