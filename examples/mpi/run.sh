# Rank 0 starts a process on every member by ssh; the others stay until it has ended. For --command.
set -euo pipefail
cd "$HOME"

if [ "$SPAWN_RANK" != 0 ]; then
    touch mpi-ready
    until [ -e mpi-done ]; do sleep 0.2; done
    exit "$(cat mpi-done)"
fi

others() { tail -n +2 "$SPAWN_HOSTFILE" | cut -d ' ' -f 1; }

finish() {
    code=$?
    for host in $(others); do
        ssh -n "$host" "echo $code >mpi-done.new && mv mpi-done.new mpi-done" || true
    done
}
trap finish EXIT

printf '%s\n' "$PROGRAM" >program.py
for host in $(others); do
    ssh "$host" 'cat >program.py; until [ -e mpi-ready ]; do sleep 0.2; done' <program.py
done

# Machines of the laptop cloud, and containers, run as root.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# A login shell, for its profile tells each process which member it runs on.
"${MPIRUN:-mpirun}" --hostfile "$SPAWN_HOSTFILE" --map-by ppr:1:node \
    bash -lc "cd && exec '${PYTHON:-python3}' program.py"
