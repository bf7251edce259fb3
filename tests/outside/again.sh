# shellcheck shell=bash
# To be sourced. `again COMMAND ...` runs what fetches something; where it has to be had (HALLBENCH_PEERS=required), four
# times at most, with a pause before each further time: a mirror that stumbles for a minute is no failure of ours.
again() {
  local most=1 n
  [ "${HALLBENCH_PEERS:-}" = required ] && most=4
  for ((n = 1; ; n++)); do
    "$@" && return
    [ "$n" -ge "$most" ] && return 1
    echo "peers: trying again in $((n * 15)) s: $1 ${2:-}" >&2
    sleep $((n * 15))
  done
}

# packages NAME ...: Debian packages, as root
packages() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o Acquire::Retries=5 -o DPkg::Lock::Timeout=120 update -qq &&
    apt-get -o Acquire::Retries=5 -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends "$@"
}
