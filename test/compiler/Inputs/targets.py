"""A file for several targets against one for the first of them: weights that lie
the same way are there once, and every target has its plan."""
import json
import subprocess
import sys


def described(path):
    return json.loads(subprocess.run(["inspect", "--json", path], check=True,
                                     capture_output=True, text=True).stdout)


several, one = described(sys.argv[1]), described(sys.argv[2])


def weights(artifact):
    found = [s for s in artifact["sections"] if s["kind"] == "weights"]
    assert len(found) == 1, found
    return found[0]


names = [target["name"] for target in several["targets"]]
assert len(names) > 1 and names[0] == one["targets"][0]["name"], names
# The layouts agree, so the section is the same, byte for byte.
assert weights(several)["bytes"] == weights(one)["bytes"]
assert weights(several)["hash"] == weights(one)["hash"]
assert several["targets"][0]["plan"] == one["targets"][0]["plan"]
for number, target in enumerate(several["targets"]):
    kinds = {s["kind"] for s in several["sections"] if s["target"] == number}
    assert {"plan", "kernels", "report"} <= kinds, (target["name"], kinds)
    assert target["plan"]["regimes"], target["name"]
    code = target.get("device_code")
    assert (code is not None) == ("device code" in kinds), target["name"]
    if code:
        assert len(code["kernels"]) == target["plan"]["kernels"]
        for kernel in code["kernels"]:
            assert kernel["registers"] > 0 and kernel["code_bytes"] > 0, kernel
            assert (kernel["ptx_bytes"] > 0) == (code["ptx_capability"] > 0)
