# One torchrun a member; they meet at rank 0. For --command.
set -euo pipefail
printf '%s\n' "$PROGRAM" >train.py
exec "${PYTHON:-python3}" -m torch.distributed.run --nnodes "$SPAWN_SIZE" --node-rank "$SPAWN_RANK" \
    --nproc-per-node "${PROCESSES:-1}" --master-addr "$MASTER_ADDR" --master-port "$MASTER_PORT" train.py
