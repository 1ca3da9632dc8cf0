# Shared by the scripts of the checkout. Sourced, not run.

# A script that ends because a command failed says which one: none ends silently.
set -E
trap 'echo "$(basename "$0"): line $LINENO: this failed: $BASH_COMMAND" >&2' ERR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# need COMMAND:PACKAGE… — makes sure that the commands are there: installs Debian's packages as root, otherwise says what to install.
need() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

install_packages() {
    local how="apt-get install $*"
    command -v apt-get >/dev/null || fail "missing: $*. Install them with this system's package manager."
    [ "$(id -u)" -eq 0 ] || fail "missing: $*. Install them: sudo $how"
    echo "$(basename "$0"): installing $*" >&2
    local log
    log=$(mktemp)
    if ! {
        apt-get -qq update
        DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@"
    } >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        fail "$how failed"
    fi
    rm -f "$log"
}

need_dotnet() {
    command -v dotnet >/dev/null || fail "the .NET 10 SDK is missing: install it and put dotnet on PATH"
    # .NET does not start without ICU, whose own package has another name in each Debian; its development files bring it.
    [ "${DOTNET_SYSTEM_GLOBALIZATION_INVARIANT:-}" = 1 ] || ldconfig -p 2>/dev/null | grep libicuuc >/dev/null ||
        { dotnet --version; } >/dev/null 2>&1 || install_packages libicu-dev
    dotnet --version >/dev/null 2>&1 || fail "the .NET 10 SDK is missing: dotnet finds $(dotnet --list-sdks 2>/dev/null | tr '\n' ' ')"
}
