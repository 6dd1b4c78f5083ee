"""Pickles are read as data: the same values as numpy's own, and nothing that they name runs."""

import copyreg
import os
import pickle
import struct
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from experiments.data_pickle import Array, read_pickle

ARRAYS = {
    "float64": np.linspace(-3, 300, 20).reshape(4, 5),
    "float32": np.arange(12, dtype=np.float32).reshape(3, 4),
    "int32": np.arange(-4, 4, dtype=np.int32).reshape(2, 4),
    "big endian": np.arange(6, dtype=">i2").reshape(2, 3),
    "uint8 above 127": np.arange(100, 250, dtype=np.uint8),
    "columns first": np.asfortranarray(np.arange(10.0).reshape(2, 5)),
    "turned": np.arange(24.0).reshape(2, 3, 4).transpose(0, 2, 1),
    "strided": np.arange(24.0).reshape(4, 6)[:, ::2],
    "empty": np.zeros((0, 5)),
    "bool": np.array([True, False]),
}


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "boxes.pkl"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_are_read_as_numpy_reads_them(file, kind, protocol):
    written = pickle.dumps({"a": ARRAYS[kind]}, protocol)
    content = read_pickle(write(file, written))
    assert isinstance(content, dict)
    assert isinstance(content["a"], Array)
    values = np.asarray(content["a"])
    expected = pickle.loads(written)["a"]
    np.testing.assert_array_equal(values, expected)
    assert values.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
    assert np.asarray(content["a"], np.float64).dtype == np.float64


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_is_read(file, protocol):
    data = {
        "text": "v_Biking_g01_c01", "list": [1, 2.5, None, True], "tuple": (240, 320), 7: -1,
        "ordered": OrderedDict([("b", 1), ("a", 2)]), "scalar": np.int64(-5), "set": {1, 2},
        "default": defaultdict(list, {"x": [1]}), "long": 2**70, "real": np.float32(0.5),
    }  # fmt: skip
    assert read_pickle(write(file, pickle.dumps(data, protocol))) == data


@pytest.mark.parametrize("core", [b"numpy.core", b"numpy._core"])
def test_the_names_of_both_numpys_are_known(file, core):
    written = pickle.dumps([ARRAYS["float64"], np.float64(2)], 2)
    content = read_pickle(write(file, written.replace(b"numpy._core", core)))
    assert isinstance(content, list)
    np.testing.assert_array_equal(np.asarray(content[0]), ARRAYS["float64"])
    assert content[1] == 2


def text2(text: bytes) -> bytes:
    """A ``str`` of Python 2, in protocol 2."""
    return b"T" + struct.pack("<i", len(text)) + text


def python2(values: np.ndarray) -> bytes:
    """The pickle, in protocol 2, that Python 2 makes of a dict with one array of one video."""
    shape = b"".join(b"K" + bytes([edge]) for edge in values.shape) + b"t"
    return b"".join([
        b"\x80\x02}", text2(b"Biking/v_Biking_g01_c01"),
        b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\nndarray\n", b"K\x00\x85",
        text2(b"b"), b"\x87R", b"(K\x01(", shape,
        b"cnumpy\ndtype\n", text2(values.dtype.str[1:].encode()), b"K\x00K\x01\x87R",
        b"(K\x03", text2(b"<"), b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
        b"\x89", text2(values.tobytes()), b"tb", b"s.",
    ])  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint8])
def test_a_pickle_of_python_2_is_read(file, dtype):
    values = np.arange(110, 250, 7).reshape(4, 5).astype(dtype)  # bytes above 127 among them
    written = python2(values)
    np.testing.assert_array_equal(
        pickle.loads(written, encoding="latin1")["Biking/v_Biking_g01_c01"], values
    )
    content = read_pickle(write(file, written))
    assert isinstance(content, dict)
    np.testing.assert_array_equal(np.asarray(content["Biking/v_Biking_g01_c01"]), values)


def test_the_text_pickle_of_python_2_is_read(file):
    # what Python 2.7 writes for {'a': (1, 'b\xff')} with its default protocol 0
    written = b"(dp0\nS'a'\np1\n(I1\nS'b\\xff'\np2\ntp3\ns."
    assert read_pickle(write(file, written)) == {"a": (1, "b\xff")}


RAN = "it ran"


def attack(text: str) -> None:
    """What must not be called: it leaves a trace that the tests look for."""
    os.environ["CLIP_HAR_TEST_ATTACK"] = text


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLIP_HAR_TEST_ATTACK", "")
    yield
    assert os.environ["CLIP_HAR_TEST_ATTACK"] == ""


class _Reduced:
    def __reduce__(self):
        return attack, (RAN,)


def text4(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def called(module: str, name: str, argument: bytes = b"V" + RAN.encode() + b"\n") -> bytes:
    """A protocol 0 call of a global with one argument."""
    return b"c" + f"{module}\n{name}\n".encode() + b"(" + argument + b"tR."


HERE = attack.__module__
GLOBAL = f"c{HERE}\nattack\n".encode()
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(tR"
ATTACKS = {
    "a call": (pickle.dumps(_Reduced(), 2), "attack"),
    "a call, protocol 5": (pickle.dumps(_Reduced(), 5), "attack"),
    "os.system": (called("os", "system", b"Vtrue\n"), "os.system"),
    "os.system in a list of boxes": (b"(lcposix\nsystem\n(Vtrue\ntRa.", "posix.system"),
    "eval": (called("builtins", "eval"), "builtins.eval"),
    "getattr": (called("__builtin__", "getattr"), "getattr"),
    "import": (called("builtins", "__import__"), "__import__"),
    "numpy's loader": (called("numpy", "load"), "numpy.load"),
    "numpy's runstring": (called("numpy.testing._private.utils", "runstring"), "runstring"),
    "through a numpy module": (called("numpy.core.multiarray", "os.system"), "os.system"),
    "a dotted name": (
        b"\x80\x04" + text4("numpy.core.multiarray") + text4("_reconstruct.__globals__") + b"\x93.",
        "_reconstruct.__globals__",
    ),
    "attributes of ours": (called("experiments.data_pickle", "os.system"), "os.system"),
    "INST": (b"(V" + RAN.encode() + b"\n" + f"i{HERE}\nattack\n".encode() + b".", "attack"),
    "OBJ": (b"(" + GLOBAL + b"V" + RAN.encode() + b"\no.", "attack"),
    "NEWOBJ": (b"\x80\x02" + GLOBAL + b")\x81.", "attack"),
    "NEWOBJ of numpy's": (b"\x80\x02cnumpy\nndarray\n)\x81.", "cannot be read"),
    "calling a type": (called("numpy", "ndarray"), "names a type"),
    "object arrays": (pickle.dumps(np.array([{"a": 1}], object)), "number type"),
    "structures": (pickle.dumps(np.zeros(2, "i4,f8")), "number type"),
    "texts": (pickle.dumps(np.array(["a"])), "number type"),
    "dates": (pickle.dumps(np.array(["2020-01-01"], "M8[D]")), "number type"),
    "state of a global": (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n}U\x05_makeK\x01sb.", "state of a global"
    ),
    "slots of a global": (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nN}U\x05_makeK\x01s\x86b.",
        "state of a global",
    ),
    "a dict as state of an array": (b"\x80\x02" + ARRAY + b"}U\x07_valuesK\x01sb.", "state"),
    "slots as state of an array": (b"\x80\x02" + ARRAY + b"N}U\x07_valuesK\x01s\x86b.", "state"),
    "a wrong number type": (b"\x80\x02" + ARRAY + b"(K\x01K\x01\x85NK\x00U\x01xtb.", "numbers"),
    "another class": (pickle.dumps(Path("a")), "pathlib"),
    "persistent id": (b"Pmodule\n.", "outside of the file"),
    "persistent id, binary": (b"\x80\x02K\x01Q.", "outside of the file"),
    "buffer from outside": (b"\x80\x05\x97.", "cannot be read"),
    "an encoding that decodes": (
        b"c_codecs\nencode\n(Vab\nVzlib_codec\ntR.", "the encoding"
    ),
    "EXT of no one": (b"\x80\x02\x82\xf0.", "cannot be read"),
    "cut off": (pickle.dumps(ARRAYS)[:-20], "cannot be read"),
    "a shape that does not fit": (
        pickle.dumps(np.arange(6.0).reshape(2, 3), 2).replace(b"K\x02K\x03", b"K\x02K\xff"),
        "cannot be read",
    ),
    "no pickle": (b"video,frame,x1\n", "cannot be read"),
    "nothing": (b"", "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ATTACKS)
def test_everything_else_is_refused_in_one_line_and_runs_nothing(file, kind):
    written, named = ATTACKS[kind]
    with pytest.raises(ClipHarError, match="cannot be read as a pickle of arrays") as refused:
        read_pickle(write(file, written))
    message = str(refused.value)
    assert named in message
    assert str(file) in message
    assert "\n" not in message


def test_the_attack_of_these_tests_would_run_where_pickles_are_loaded():
    pickle.loads(ATTACKS["a call"][0])
    assert os.environ["CLIP_HAR_TEST_ATTACK"] == RAN
    os.environ["CLIP_HAR_TEST_ATTACK"] = ""


def test_registered_extension_codes_are_refused_also_after_another_unpickler_used_them(file):
    copyreg.add_extension(HERE, "attack", 0xF1)
    try:
        written = b"\x80\x02\x82\xf1(V" + RAN.encode() + b"\ntR."
        pickle.loads(written)  # from now on the code is resolved without a look-up by name
        assert os.environ["CLIP_HAR_TEST_ATTACK"] == RAN
        os.environ["CLIP_HAR_TEST_ATTACK"] = ""
        with pytest.raises(ClipHarError, match="attack"):
            read_pickle(write(file, written))
    finally:
        copyreg.remove_extension(HERE, "attack", 0xF1)
        copyreg.clear_extension_cache()


def test_a_name_of_many_lines_makes_one_line(file):
    written = b"\x80\x04" + text4("os\nmore") + text4("x" * 200) + b"\x93."
    with pytest.raises(ClipHarError) as refused:
        read_pickle(write(file, written))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 500


def test_an_array_without_content_is_an_error(file):
    with pytest.raises(ValueError, match="without content"):
        np.asarray(read_pickle(write(file, b"\x80\x02" + ARRAY + b".")))
