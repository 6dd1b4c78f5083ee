"""The converter: what is read without running code, and what is refused."""

import pickle
import sys
import types

import pytest
import torch
from safetensors.torch import load_file

from clip_har.cli.convert import main
from clip_har.core.errors import ClipHarError

STATE = {"visual.proj": torch.arange(6.0).reshape(2, 3), "logit_scale": torch.tensor(4.6).half()}


class Payload:
    """A pickle that leaves a trace when it is read."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (str(self.trace), "w")


def convert(tmp_path, content):
    torch.save(content, tmp_path / "in.pth")
    main([str(tmp_path / "in.pth"), str(tmp_path / "out.safetensors")])
    return load_file(tmp_path / "out.safetensors")


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"model": STATE, "optimizer": {"state": {}}, "epoch": 3, "max_accuracy": 71.5},
        {"epoch": 22, "model_state": STATE, "cfg": "TRAIN: true"},
        {"state_dict": STATE | {"extra": 1}},
    ],
)
def test_tensors_keep_names_types_and_values(tmp_path, capsys, content):
    found = convert(tmp_path, content)
    assert sorted(found) == sorted(STATE)
    for name, tensor in STATE.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0)
    assert "2 tensors" in capsys.readouterr().out


def test_a_shared_or_cut_tensor_is_written_whole(tmp_path):
    whole = torch.arange(12.0).reshape(3, 4)
    found = convert(tmp_path, {"a": whole, "b": whole, "c": whole[:, 1:2].T})
    assert found["c"].tolist() == [[1.0, 5.0, 9.0]]
    torch.testing.assert_close(found["a"], found["b"])


def test_the_configuration_that_vifi_clip_saves_is_left_out(tmp_path, monkeypatch):
    module, package = types.ModuleType("yacs.config"), types.ModuleType("yacs")
    node = type("CfgNode", (dict,), {"__module__": "yacs.config"})
    module.CfgNode = node  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "yacs", package)
    monkeypatch.setitem(sys.modules, "yacs.config", module)
    config = node(TRAIN=node(EPOCHS=10))
    config.__dict__["__immutable__"] = True
    torch.save({"model": STATE, "config": config}, tmp_path / "in.pth")
    monkeypatch.undo()
    main([str(tmp_path / "in.pth"), str(tmp_path / "out.safetensors")])
    assert sorted(load_file(tmp_path / "out.safetensors")) == sorted(STATE)


def test_code_in_a_file_is_never_run(tmp_path):
    trace = tmp_path / "trace"
    with pytest.raises(
        ClipHarError, match=r"as weights alone \(it needs io.open\).*save the state"
    ):
        convert(tmp_path, {"model": STATE, "more": Payload(trace)})
    assert not trace.exists()
    assert not (tmp_path / "out.safetensors").exists()
    pickle.loads(pickle.dumps(Payload(trace))).close()  # the trap works
    assert trace.exists()


def test_other_weights_of_the_file_are_said_and_can_be_asked_for(tmp_path, capsys):
    mean = {name: tensor + 1 for name, tensor in STATE.items()}
    found = convert(tmp_path, {"model": STATE, "model_ema": mean, "optimizer": {"state": {}}})
    torch.testing.assert_close(found["visual.proj"], STATE["visual.proj"])
    assert "(not model_ema: --key model_ema)" in capsys.readouterr().out
    source, target = str(tmp_path / "in.pth"), str(tmp_path / "out.safetensors")
    with pytest.raises(ClipHarError, match="no tensors under ema: it has tensors under model, mod"):
        main([source, target, "--force", "--key", "ema"])
    main([source, target, "--force", "--key", "model_ema"])
    torch.testing.assert_close(load_file(target)["visual.proj"], mean["visual.proj"])


def test_a_file_that_exists_is_replaced_only_if_asked(tmp_path):
    target = tmp_path / "out.safetensors"
    target.write_bytes(b"precious")
    torch.save(STATE, tmp_path / "in.pth")
    with pytest.raises(ClipHarError, match="exists; --force replaces it"):
        main([str(tmp_path / "in.pth"), str(target)])
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epoch": 3}, "expected tensors, or a state dict under one of state_dict, .*it has epoch"),
        ([1, 2], "expected a dictionary, got list"),
        ({"model": STATE, "state_dict": STATE}, "expected one state dict, got state_dict and mode"),
        ({"w": torch.ones(2).to(torch.float8_e4m3fn)}, "w is torch.float8_e4m3fn.*plain tensors"),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path, content, message):
    with pytest.raises(ClipHarError, match=message):
        convert(tmp_path, content)


def test_a_missing_damaged_or_scripted_file(tmp_path):
    target = str(tmp_path / "out.safetensors")
    source = tmp_path / "x.pth"
    with pytest.raises(ClipHarError, match="no such file"):
        main([str(source), target])
    source.write_bytes(b"\x80\x02damaged")
    with pytest.raises(ClipHarError, match="cannot be read as weights alone"):
        main([str(source), target])
    with pytest.warns(FutureWarning, match="deprecated"):
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), source)
    with pytest.raises(ClipHarError, match="a TorchScript archive, which is a program"):
        main([str(source), target])
    with pytest.raises(ClipHarError, match=r"ends with .safetensors"):
        main([str(source), str(tmp_path / "out.bin")])
