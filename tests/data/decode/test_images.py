"""Clips of images are decoded as videos of the same pictures are."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from clip_har.core.errors import ClipHarError
from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.images import check_images
from clip_har.data.decode.video import read_clip, read_frames, video_length
from clip_har.data.decode.windows import cut_windows, read_windows, timeline
from clip_har.data.sampling import FrameSettings
from tests.damage import truncate, zero
from tests.data.made import numbered, numbers, write_images, write_video

SAMPLERS = [
    FrameSettings(count=4),
    FrameSettings(sampler="middle"),
    FrameSettings(sampler="every", step=3),
    FrameSettings(sampler="fps", fps=4),
]
PICTURES = [
    np.random.default_rng(number).integers(0, 256, (24, 40, 3), np.uint8) for number in range(12)
]


def zipped(folder, path, inner="clip"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{inner}/{file.name}")
        archive.writestr(f"__MACOSX/{inner}/._000001.png", b"no image")
        archive.writestr(f"{inner}/Thumbs.db", b"no image")
    return path


@pytest.fixture(scope="module")
def same(tmp_path_factory):
    """One clip as a lossless video, a folder of images, and a zip of them."""
    place = tmp_path_factory.mktemp("same")
    folder = write_images(place / "clip", PICTURES)
    video = write_video(place / "clip.mkv", PICTURES, codec="ffv1", pix_fmt="bgr0", rate=8)
    return video, folder, zipped(folder, place / "clip.zip")


@pytest.mark.parametrize("settings", SAMPLERS, ids=lambda settings: settings.sampler)
@pytest.mark.parametrize("section", [(None, None), (0.5, 1.25)], ids=["whole", "section"])
def test_images_are_the_frames_of_their_video(same, settings, section):
    start, end = section
    video, *images = [read_clip(path, settings, start=start, end=end, fps=8) for path in same]
    for found in images:
        np.testing.assert_array_equal(found.frames, video.frames)
        assert (found.indices, found.frame_count, found.width, found.height, found.fps) == (
            *(video.indices, video.frame_count, video.width, video.height, video.fps),
        )


def test_further_frames_lengths_and_windows_are_those_of_the_video(same):
    settings = FrameSettings(count=2)
    section = {"start": 0.5, "end": 1.25, "fps": 8}
    further = [read_frames(path, settings, [5, 0, 5], fit=np.copy, **section) for path in same]
    lengths = [video_length(path, **section) for path in same]
    cuts = []
    for path in same:
        found = timeline(path, settings, fps=8)
        windows = cut_windows(found, 0.5)
        clips = list(read_windows(path, settings, found, windows))
        cuts.append((windows, [(one.indices, one.frames.tobytes()) for one in clips]))
    for other in (1, 2):
        np.testing.assert_array_equal(further[other], further[0])
        assert lengths[other] == lengths[0]
        assert cuts[other] == cuts[0]
    with pytest.raises(DecodeError, match="it has 6 frames, not one at position 6"):
        read_frames(same[1], settings, [6], fit=np.copy, **section)
    with pytest.raises(DecodeError, match="no frame between 7 s and 8 s"):
        read_clip(same[1], settings, start=7, end=8, fps=8)


def test_only_the_sampled_images_are_read(tmp_path):
    folder = write_images(tmp_path / "clip", 9)
    for file in folder.iterdir():
        if file.name != "000005.png":
            file.write_bytes(b"no image")
    assert numbers(read_clip(folder, FrameSettings(sampler="middle")).frames) == [4]
    with pytest.raises(DecodeError, match=r"8 of 9 images: 000001\.png: not an image"):
        check_images(folder, FrameSettings(), fps=None)


def test_an_image_is_a_clip_of_one_frame(tmp_path):
    path = tmp_path / "one.png"
    Image.fromarray(numbered(7)).save(path)
    found = read_clip(path, FrameSettings(count=3))
    assert numbers(found.frames) == [7, 7, 7]
    assert (found.indices, found.frame_count, found.fps) == ([0, 0, 0], 1, None)
    assert read_clip(path, FrameSettings(sampler="fps")).indices == [0]  # whatever its rate is


@pytest.mark.parametrize(
    ("settings", "section", "what"),
    [
        (FrameSettings(sampler="fps"), {}, r"frames\.sampler=fps"),
        (FrameSettings(), {"start": 1.0}, "a section"),
        (FrameSettings(), {"end": 1.0}, "a section"),
    ],
)
def test_a_rate_that_is_needed_and_not_known_is_asked_for(tmp_path, settings, section, what):
    folder = write_images(tmp_path / "clip", 3)
    with pytest.raises(ClipHarError, match=rf"{what}.* needs the frame rate.*dataset\.fps="):
        read_clip(folder, settings, **section)


RED = np.full((4, 6, 3), (200, 10, 90), np.uint8)


def red(mode):
    image = Image.fromarray(RED)
    return image.quantize(2) if mode == "P" else image.convert(mode)


def deep():
    return Image.fromarray((np.arange(24, dtype=np.uint16) * 2500).reshape(4, 6))


def clear():
    """The left half cannot be seen, and hides another colour."""
    image = Image.fromarray(RED).convert("RGBA")
    image.putalpha(Image.fromarray(np.repeat([[0] * 3 + [255] * 3], 4, axis=0).astype(np.uint8)))
    return image


def clear_palette():
    image = red("P")
    image.info["transparency"] = image.getpixel((0, 0))
    return image


BLACK_LEFT = RED * np.array([0, 0, 0, 1, 1, 1], np.uint8)[None, :, None]
GREY = np.repeat(np.asarray(red("L"))[..., None], 3, axis=2)
DEEP = np.repeat((np.asarray(deep()) >> 8).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ("image", "kind", "expected"),
    [
        (red("RGB"), "png", RED),
        (red("RGB"), "bmp", RED),
        (red("RGB"), "tiff", RED),
        (red("RGBA"), "png", RED),
        (red("P"), "png", RED),
        (red("L"), "png", GREY),
        (red("LA"), "png", GREY),
        (red("1"), "png", np.asarray(red("1").convert("RGB"))),
        (deep(), "png", DEEP),
        (deep(), "tiff", DEEP),
        (clear(), "png", BLACK_LEFT),
        (clear(), "webp", BLACK_LEFT),
        (clear_palette(), "png", RED * 0),
        (red("CMYK"), "tiff", np.asarray(red("CMYK").convert("RGB"))),
    ],
)
def test_all_kinds_of_pixels_become_rgb(tmp_path, image, kind, expected):
    path = tmp_path / f"one.{kind}"
    image.save(path, **({"lossless": True} if kind == "webp" else {}))
    found = read_clip(path, FrameSettings(sampler="middle")).frames[0]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_says(tmp_path, orientation):
    from PIL import ImageOps

    path = tmp_path / "one.png"
    picture = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(path, exif=exif)
    with Image.open(path) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored))
    found = read_clip(path, FrameSettings(sampler="middle"))
    np.testing.assert_array_equal(found.frames[0], expected)
    assert (found.width, found.height) == ((4, 6) if orientation > 4 else (6, 4))


def make_empty(path):
    path.write_bytes(b"")


def make_text(path):
    path.write_text("no picture\n")


def make_folder(path):
    path.unlink()
    path.mkdir()


def make_animation(path):
    frames = [Image.fromarray(numbered(n)) for n in range(3)]
    frames[0].save(path, format="PNG", save_all=True, append_images=frames[1:])


def make_postscript(path):
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")


@pytest.mark.parametrize("kind", ["jpg", "png"])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncate, "damaged or cut off"),
        (zero, "damaged"),
        (make_empty, r"empty \(0 bytes\)"),
        (make_text, "not an image"),
        (make_animation, "several pictures"),
        (make_postscript, "not an image"),
    ],
)
def test_a_damaged_image_is_named(tmp_path, kind, damage, reason):
    folder = write_images(tmp_path / "clip", PICTURES[:3], kind=kind)
    damage(folder / f"000002.{kind}")
    for path in (folder, zipped(folder, tmp_path / "clip.zip")):
        with pytest.raises(DecodeError, match=rf"000002\.{kind}: .*{reason}"):
            read_clip(path, FrameSettings(sampler="middle"))
    with pytest.raises(DecodeError, match=rf"^[^:]*{reason}"):  # its path stands before it
        read_clip(folder / f"000002.{kind}", FrameSettings())


def test_a_jpeg_with_a_small_picture_in_its_head_and_more_behind_it_is_whole(tmp_path):
    small = io.BytesIO()
    Image.fromarray(PICTURES[0]).save(small, "JPEG")
    head = b"\xff\xd8\xff\xe1" + (len(small.getvalue()) + 2).to_bytes(2, "big") + small.getvalue()
    path = tmp_path / "one.jpg"
    for progressive in (True, False):
        whole = io.BytesIO()
        Image.fromarray(PICTURES[1]).save(whole, "JPEG", progressive=progressive)
        path.write_bytes(head + whole.getvalue()[2:] + b"\xff\xda\x00 a film")
        assert read_clip(path, FrameSettings()).frame_count == 1
    path.write_bytes(head + whole.getvalue()[2:-2] + bytes(64))
    with pytest.raises(DecodeError, match="its end is missing"):
        read_clip(path, FrameSettings())


def test_the_first_picture_of_a_stereo_photo_is_taken(tmp_path):
    path = tmp_path / "one.jpg"
    two = [Image.fromarray(numbered(number)) for number in (5, 9)]
    two[0].save(path, "MPO", save_all=True, append_images=two[1:])
    assert numbers(read_clip(path, FrameSettings(sampler="middle")).frames) == [5]


def test_sizes_and_bounds_are_checked(tmp_path):
    folder = write_images(tmp_path / "clip", [PICTURES[0], PICTURES[1][:-2], PICTURES[2]])
    every = FrameSettings(sampler="every", step=1)
    with pytest.raises(DecodeError, match=r"size changes within the clip.*40x22 and 40x24"):
        read_clip(folder, every)
    for path in (folder, zipped(folder, tmp_path / "clip.zip")):
        with pytest.raises(DecodeError, match=r"40x24, more than frames\.max_pixels=959"):
            read_clip(path, FrameSettings(max_pixels=959, count=1, sampler="every", step=9))
        with pytest.raises(DecodeError, match=r"more frames than frames\.max_length=2"):
            read_clip(path, FrameSettings(max_length=2))


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "clip.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.png", bytes(3 * 2**20))
    with pytest.raises(DecodeError, match=r"1\.png: it has 3,145,728 bytes, more than"):
        read_clip(path, FrameSettings(max_pixels=100))


@pytest.mark.parametrize("kind", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_rare_compression_is_refused(tmp_path, kind):
    path = tmp_path / "clip.zip"
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("1.png", b"picture")
    with pytest.raises(DecodeError, match="compressed in a way"):
        read_clip(path, FrameSettings())


def test_a_damaged_zip_is_said(tmp_path):
    folder = write_images(tmp_path / "clip", 3)
    path = zipped(folder, tmp_path / "clip.zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"clip/000001.png") + 60] ^= 255  # inside of a compressed image
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=r"000001\.png: damaged in the zip"):
        read_clip(path, FrameSettings(sampler="every", step=1))
    truncate(path)
    with pytest.raises(DecodeError, match="not a zip that can be read, or cut off"):
        read_clip(path, FrameSettings())
