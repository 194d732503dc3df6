# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What ./run and ./test share: packages, LibTorch, models, build. Sourced with `set -euo pipefail`, from the repository root.
# Everything said goes to standard error, so that `./run … --json -` leaves standard output to the program.

TORCH_VERSION=2.11.0
VENV=build/venv
LOGS=build/logs
STAMP=$VENV/kurtoscope-torch-stamp
PACKAGES=(g++ cmake ninja-build pkg-config python3 python3-venv qt6-base-dev qt6-svg-dev libqcustomplot-dev nlohmann-json3-dev
    libicu-dev libcli11-dev zlib1g-dev libgloo-dev)

STEP=0
STEPS=5
STEP_START=0
CHILD=

say() { printf '%s\n' "$*" >&2; }

# One clear sentence, then what to do about it; never a trace.
fail() {
    [[ $STEP -gt 0 ]] && printf '\n' >&2
    say "Stopped: $1"
    [[ $# -gt 1 ]] && say "  → $2"
    exit 1
}

step() {
    STEP=$((STEP + 1))
    STEP_START=$SECONDS
    STEP_TITLE="[$STEP/$STEPS] $1 …"
    printf '%s ' "$STEP_TITLE" >&2
}

done_step() { say "$1 ($((SECONDS - STEP_START)) s)"; }

interrupted() {
    [[ -n $CHILD ]] && kill "$CHILD" 2>/dev/null && wait "$CHILD" 2>/dev/null
    say ""
    say "Interrupted. The same command carries on from here."
    exit 130
}

# logged NAME COMMAND…: its output goes to build/logs/NAME.log; meanwhile the time and the log's last line are shown.
logged() {
    local log=$LOGS/$1.log shown=$SECONDS status=0 last
    shift
    printf '$ %s\n' "$*" >>"$log"
    "$@" >>"$log" 2>&1 </dev/null &
    CHILD=$!
    while kill -0 "$CHILD" 2>/dev/null; do
        sleep 0.2
        if [[ -t 2 && $((SECONDS - shown)) -ge 1 ]]; then
            last=$(tail -n 1 "$log" | tr -d '\r' | cut -c1-70)
            printf '\r\033[K%s %s s  %s' "$STEP_TITLE" "$((SECONDS - STEP_START))" "$last" >&2
            shown=$SECONDS
        elif [[ ! -t 2 && $((SECONDS - shown)) -ge 60 ]]; then
            last=$(tail -n 1 "$log" | cut -c1-70)
            printf '\n      %s s: %s … ' "$((SECONDS - STEP_START))" "$last" >&2
            shown=$SECONDS
        fi
    done
    wait "$CHILD" || status=$?
    CHILD=
    [[ -t 2 && $shown -gt $STEP_START ]] && printf '\r\033[K%s ' "$STEP_TITLE" >&2
    return "$status"
}

log_says() { grep -qiE "$2" "$LOGS/$1.log"; }

no_network='temporary failure (in name )?resol|could not resolve|name or service not known|network is unreachable|no route to host|could not connect|connection (refused|timed out)|newconnectionerror|connecttimeout|unable to connect|failed to establish'

# explain LOG WHAT: turns a failed download or installation into its most likely cause.
explain() {
    if log_says "$1" 'no space left|enough free space|disk quota'; then
        fail "there is no disk space left for $2." "Free some room and run this again; details: $LOGS/$1.log"
    elif log_says "$1" 'certificate.verify.failed|certificate verification failed'; then
        fail "$2 could not be fetched: the server's certificate is not trusted here." \
            "Check the clock; behind a proxy, name its certificate (PIP_CERT=FILE). Details: $LOGS/$1.log"
    elif log_says "$1" "$no_network"; then
        fail "$2 could not be fetched: there seems to be no network." \
            "Connect (or set the proxy) and run this again; details: $LOGS/$1.log"
    fi
    say ""
    tail -n 8 "$LOGS/$1.log" >&2
    fail "$2 could not be installed." "The whole output is in $LOGS/$1.log"
}

has_gpu() { [[ -e /dev/nvidia0 ]] || { command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; }; }

check_disk() {
    local need=2 free
    if [[ -z ${KURTOSCOPE_TORCH:-} && ! -e $STAMP ]]; then
        need=6
        has_gpu && need=16
    fi
    [[ -n ${WITH_REFERENCE:-} && ! -e build/reference-venv/kurtoscope-stamp ]] && need=$((need + 5))
    free=$(($(df -Pk . | awk 'NR == 2 { print $4 }') / 1048576))
    [[ $free -ge $need ]] ||
        fail "only $free GB are free in $PWD; setting up needs about $need GB." "Free some room there and run this again."
}

missing_packages() {
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${PACKAGES[@]}" 2>/dev/null | awk '$1 == "ii" { print $2 }' || true)
    local package
    for package in "${PACKAGES[@]}"; do
        grep -qxF -- "$package" <<<"$installed" || printf '%s ' "$package"
    done
}

install_packages() {
    step "Packages"
    if [[ -n ${KURTOSCOPE_SKIP_PACKAGES:-} ]]; then
        done_step "left alone, as asked"
        return
    fi
    # Wayland alone needs Qt's plugin for it; under X11 or Xwayland the base package does.
    [[ -n ${WAYLAND_DISPLAY:-} && -z ${DISPLAY:-} ]] && PACKAGES+=(qt6-wayland)
    local name="this system" id="" version=0 like="" hint
    hint="Install these packages' equivalents, then run this again with KURTOSCOPE_SKIP_PACKAGES=1: ${PACKAGES[*]}"
    if [[ -r ${KURTOSCOPE_OS_RELEASE:-/etc/os-release} ]]; then
        # shellcheck disable=SC1090
        IFS='|' read -r name id version like < <(. "${KURTOSCOPE_OS_RELEASE:-/etc/os-release}" &&
            echo "${PRETTY_NAME:-$ID}|${ID:-}|${VERSION_ID:-99}|${ID_LIKE:-}")
    fi
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null ||
        [[ $id != debian && $id != ubuntu && " $like " != *" debian "* && " $like " != *" ubuntu "* ]]; then
        fail "$name is not supported by this script; it knows Debian 12 and Ubuntu 24.04." "$hint"
    elif [[ ($id == debian && ${version%%.*} -lt 12) || ($id == ubuntu && ${version%%.*} -lt 24) ]]; then
        fail "$name is too old: Debian 12 or Ubuntu 24.04 is needed (g++ 12, CMake 3.25, Qt 6.4)." "$hint"
    fi
    local missing
    read -ra missing <<<"$(missing_packages)"
    if [[ ${#missing[@]} -eq 0 ]]; then
        done_step "already there"
        return
    fi
    local root=()
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo >/dev/null || fail "packages are missing and there is no sudo to install them with." \
            "As root, run: apt-get install ${missing[*]}"
        if ! sudo -n true 2>/dev/null; then
            [[ -t 0 ]] || fail "packages are missing and sudo asks for a password, which cannot be typed here." \
                "Run this in a terminal, or as root: apt-get install ${missing[*]}"
            say "installing ${missing[*]}"
            sudo -v || fail "sudo was refused." "As root, run: apt-get install ${missing[*]}"
        fi
        root=(sudo)
    fi
    : >"$LOGS/apt.log"
    local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2)
    logged apt "${root[@]}" dpkg --configure -a || explain apt "the system's packages"
    # A broken list of some other source is no reason to stop; what matters is whether the packages come.
    logged apt "${apt[@]}" update || true
    logged apt "${apt[@]}" install --no-install-recommends "${missing[@]}" || explain apt "the system's packages (${missing[*]})"
    done_step "installed ${#missing[@]}"
}

torch_folder() {
    local found=("$VENV"/lib/python3*/site-packages/torch)
    printf '%s' "$PWD/${found[0]}"
}

make_venv() {
    local python
    for python in /usr/bin/python3 python3; do
        "$python" -c 'import venv, ensurepip' 2>/dev/null && break
    done
    logged "$1" rm -rf "$VENV"
    logged "$1" "$python" -m venv "$VENV" || explain "$1" "a Python virtual environment"
}

install_torch() {
    step "LibTorch $TORCH_VERSION"
    if [[ -n ${KURTOSCOPE_TORCH:-} ]]; then
        [[ -d $KURTOSCOPE_TORCH/include && -e $KURTOSCOPE_TORCH/lib/libtorch_cpu.so ]] ||
            fail "KURTOSCOPE_TORCH=$KURTOSCOPE_TORCH holds no LibTorch (include/ and lib/libtorch_cpu.so)." \
                "Give the folder of a LibTorch or of an installed torch package, or unset KURTOSCOPE_TORCH."
        done_step "taken from $KURTOSCOPE_TORCH"
        return
    fi
    local kind=cpu had=""
    local wanted=(--no-deps "torch==$TORCH_VERSION" 'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cupti==13.0.*')
    if has_gpu; then
        kind=gpu
        wanted=("torch==$TORCH_VERSION")
    fi
    [[ -e $STAMP ]] && had=$(<"$STAMP")
    # An install for a GPU serves without one too.
    if [[ $had == "$TORCH_VERSION $kind" || $had == "$TORCH_VERSION gpu" ]]; then
        done_step "already there"
        return
    fi
    : >"$LOGS/pip.log"
    # Without the stamp an earlier installation was cut short: begin anew.
    [[ $had == "$TORCH_VERSION cpu" ]] || make_venv pip
    rm -f "$STAMP"
    # Wheels are unpacked beside the build: /tmp is often too small for them.
    mkdir -p build/tmp
    TMPDIR=$PWD/build/tmp logged pip "$VENV/bin/python" -m pip install --disable-pip-version-check --progress-bar off "${wanted[@]}" ||
        explain pip "torch $TORCH_VERSION"
    logged pip "$VENV/bin/python" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$(torch_folder)/lib/libtorch_cpu.so" ||
        explain pip "a torch $TORCH_VERSION that loads"
    rm -rf build/tmp
    echo "$TORCH_VERSION $kind" >"$STAMP"
    done_step "installed for $kind"
}

fetch_models() {
    step "Models"
    : >"$LOGS/models.log"
    local python=python3
    [[ -x $VENV/bin/python ]] && python=$VENV/bin/python
    if "$python" tools/fetch_models.py --check build/models >&2; then
        done_step "already there"
        return
    fi
    if [[ $python == python3 ]]; then
        make_venv models
        python=$VENV/bin/python
    fi
    if logged models "$python" tools/fetch_models.py build/models; then
        done_step "fetched and checked"
    else
        done_step "not all could be fetched; what is missing is left out"
        say "      $(tail -n 1 "$LOGS/models.log")"
    fi
}

# The parts of CUDA that the torch in this folder names in its own metadata: its Python asks for all of them, also
# where nothing runs on a GPU.
cuda_of_torch() {
    sed -n 's/^Requires-Dist: \(\(cuda-toolkit\|nvidia-\)[^;]*\).*/\1/p' "$(dirname "$1")"/torch-*.dist-info/METADATA
}

reference_pip() {
    mkdir -p build/tmp
    TMPDIR=$PWD/build/tmp logged reference "$1/bin/python" -m pip install --disable-pip-version-check --progress-bar off \
        --retries 2 "${@:2}"
}

reference_works() {
    logged reference "$1/bin/python" -c 'import torch, transformers, compressed_tensors, peft'
}

# The libraries that exports are tried with, beside LibTorch's own torch. Tests go without where they cannot be had.
install_reference() {
    local venv=build/reference-venv list=tools/reference_packages.txt stamp had="" python cuda torch=${KURTOSCOPE_TORCH:-$(torch_folder)}
    step "Reference libraries"
    if [[ -n ${KURTOSCOPE_REFERENCE_PYTHON:-} || -n ${KURTOSCOPE_SKIP_REFERENCE:-} ]]; then
        done_step "left alone, as asked"
        return
    elif [[ ! -e $torch/__init__.py ]]; then
        done_step "left out: $torch is no Python package"
        return
    fi
    stamp=$torch$'\n'$(<"$list")
    [[ -e $venv/kurtoscope-stamp ]] && had=$(<"$venv/kurtoscope-stamp")
    if [[ $had == "$stamp" ]]; then
        done_step "already there"
        return
    fi
    : >"$LOGS/reference.log"
    python=$VENV/bin/python
    [[ -x $python ]] || python=python3
    logged reference rm -rf "$venv"
    if logged reference "$python" -m venv "$venv" && reference_pip "$venv" --no-deps -r "$list" &&
        dirname "$torch" >"$(printf '%s' "$venv"/lib/python3*/site-packages)/torch-beside.pth" &&
        { reference_works "$venv" || { mapfile -t cuda < <(cuda_of_torch "$torch") && [[ ${#cuda[@]} -gt 0 ]] &&
            reference_pip "$venv" "${cuda[@]}" && reference_works "$venv"; }; }; then
        rm -rf build/tmp
        echo "$stamp" >"$venv/kurtoscope-stamp"
        done_step "installed"
    else
        rm -rf "$venv" build/tmp
        done_step "could not be had; tests with them are skipped"
        say "      $(tail -n 1 "$LOGS/reference.log")"
    fi
}

# As many compilers as cores, but 1.5 GB of memory for each: torch's headers are large.
jobs_that_fit() {
    awk -v cores="$(nproc)" '/^MemAvailable/ { fit = int($2 / 1572864) }
        END { if (fit < 1) fit = 1; print fit < cores ? fit : cores }' /proc/meminfo
}

# build PRESET [CMAKE_ARGUMENT…]
build() {
    local preset=$1 torch=${KURTOSCOPE_TORCH:-$(torch_folder)}
    shift
    step "Build ($preset)"
    : >"$LOGS/build-$preset.log"
    # ccache serves precompiled headers only when it may ignore these.
    export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}
    logged "build-$preset" cmake --preset "$preset" "-DKURTOSCOPE_TORCH=$torch" "$@" || {
        say ""
        tail -n 20 "$LOGS/build-$preset.log" >&2
        fail "CMake could not configure the build." "The whole output is in $LOGS/build-$preset.log"
    }
    logged "build-$preset" cmake --build "build/$preset" -j "$(jobs_that_fit)" || {
        log_says "build-$preset" 'no space left' && explain "build-$preset" "the build"
        say ""
        grep -v '^\[[0-9]*/[0-9]*\] Building' "$LOGS/build-$preset.log" | tail -n 20 >&2 || true
        fail "the program did not compile." "The whole output is in $LOGS/build-$preset.log"
    }
    if log_says "build-$preset" 'ninja: no work to do'; then done_step "up to date"; else done_step "built"; fi
}

# setup PRESET [CMAKE_ARGUMENT…]: all of it; done in seconds when nothing changed.
setup() {
    trap interrupted INT TERM
    unset PYTHONPATH PYTHONHOME
    mkdir -p "$LOGS" 2>/dev/null || fail "$PWD/build cannot be written." "Check who owns this folder."
    [[ -w build && -w $LOGS ]] || fail "$PWD/build belongs to another user (set-up was run through sudo before)." \
        "Run: sudo chown -R \"$(id -un)\" build"
    # Two set-ups in one folder would trample each other; the second waits.
    exec 9>build/setup.lock
    flock -n 9 2>/dev/null || {
        say "Another ./run or ./test is setting up here; waiting for it."
        flock 9
    }
    check_disk
    install_packages
    install_torch
    fetch_models
    if [[ -n ${WITH_REFERENCE:-} ]]; then install_reference; fi
    build "$@"
    exec 9>&-
    trap - INT TERM
}
