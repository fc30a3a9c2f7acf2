"""Makes the Python modules of the protocol: `python generate.py [DIRECTORY]`, beside this file where none is given."""

import sys
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

here = Path(__file__).resolve().parent
root = here.parents[2] / "proto"
out = Path(sys.argv[1]) if len(sys.argv) > 1 else here
out.mkdir(parents=True, exist_ok=True)
common = Path(grpc_tools.__file__).parent / "_proto"
arguments = ["", f"-I{root}", f"-I{common}", f"--python_out={out}", f"--grpc_python_out={out}"]
sys.exit(protoc.main([*arguments, "voxgate/dialog/v1/dialog.proto"]))
