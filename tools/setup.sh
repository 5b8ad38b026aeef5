# Installs what building and testing need; sourced by demo.sh and test.sh.
# Works as root, or as a user with sudo, on Debian 12 and Ubuntu 24.04 and
# later; does nothing where everything is there.

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)

# llvm-19-dev brings FileCheck and lit, liblld-19-dev brings zlib and zstd.
build_packages="g++ cmake ninja-build ccache python3 libfmt-dev
nlohmann-json3-dev libcli11-dev libxxhash-dev libgtest-dev llvm-19-dev
libmlir-19-dev mlir-19-tools liblld-19-dev"
# The fuzz targets need clang and its run-time libraries.
test_packages="$build_packages clang-19 libclang-rt-19-dev"

say() {
  printf '== %s\n' "$*"
}

# Runs a command as root, showing it.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    say "$*"
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    say "sudo $*"
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    printf "error: missing packages and neither root nor sudo; as root, run:\n" >&2
    printf '  apt-get install --no-install-recommends %s\n' "$missing" >&2
    exit 1
  fi
}

# Installs those of the given packages that are missing.
install_packages() {
  if ! command -v apt-get >/dev/null; then
    say "no apt-get here; expecting the equivalents of: $*"
    return
  fi
  missing=
  for package in "$@"; do
    case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
    installed) ;;
    *) missing="$missing $package" ;;
    esac
  done
  if [ -z "$missing" ]; then
    say "all packages are installed"
    return
  fi
  say "installing:$missing"
  as_root apt-get update -q
  # shellcheck disable=SC2086 # a list
  as_root apt-get install -q -y --no-install-recommends $missing
}

# Parallel jobs: one a core, and 1.5 GiB of memory each, which the largest MLIR
# sources take; at least one. JOBS overrides.
count_jobs() {
  memory=$(awk '/^MemAvailable/ { print int($2 / 1572864) }' /proc/meminfo)
  cores=$(nproc)
  count=$((memory < cores ? memory : cores))
  echo "${JOBS:-$((count > 0 ? count : 1))}"
}
