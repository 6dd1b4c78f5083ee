#!/bin/sh
# Install a lock file for one kind of device: DEVICE=cpu|cuda sh install.sh FILE
# Versions and hashes are those of the file, but for PyTorch's CPU wheels, which have hashes of
# their own: they come from TORCH_INDEX, in the versions of the file.
set -eu
lock=$1

# Prints the file without the packages whose names match; an entry goes on over indented lines.
without() {
    awk -v names="^($1)==" '/^[A-Za-z0-9]/ { kept = $0 !~ names } kept' "$lock"
}

version() {
    sed -n "s/^$1==\([^ ;]*\).*/\1/p" "$lock"
}

case "${DEVICE:-}" in
cuda)
    pip install --no-deps --require-hashes --requirement "$lock"
    ;;
cpu)
    if [ -n "${TORCH_INDEX:-}" ]; then
        without 'torch|torchvision|triton|nvidia-[a-z0-9-]*|cuda-[a-z0-9-]*' >cpu.lock
        pip install --no-deps --index-url "$TORCH_INDEX" \
            "torch==$(version torch)" "torchvision==$(version torchvision)"
    else
        without 'triton' >cpu.lock # for GPUs only; PyTorch's CUDA libraries it cannot do without
    fi
    pip install --no-deps --require-hashes --requirement cpu.lock
    ;;
*)
    echo "DEVICE: expected cpu or cuda, got '${DEVICE:-}'" >&2
    exit 1
    ;;
esac
