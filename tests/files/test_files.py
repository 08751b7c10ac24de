"""Files in a folder and files as objects of a real S3 server do the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.files import Files, FilesError, ObjectFiles, open_files


@pytest.fixture(params=["folder", "objects"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """No files yet."""
    if request.param == "folder":
        return open_files(tmp_path / "root", tmp_path / "unused")
    return open_files(f"{request.getfixturevalue('bucket')}/a/prefix", tmp_path / "copies")


def written(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_what_is_written_is_read_listed_and_removed(files: Files) -> None:
    assert files.names("in") == files.folders("in") == []
    for number in range(3):
        files.write(f"in/{number}/one.json", str(number).encode())
    files.write("in/1/two.json", "二".encode())
    files.write("in/1/one.json", b"new")
    assert files.read_all(["in/2/one.json", "in/1/one.json"]) == [b"2", b"new"]
    assert files.names("in/1") == ["in/1/one.json", "in/1/two.json"]
    assert files.folders("in") == ["0", "1", "2"]
    assert (files.size("in/1/two.json"), files.size("in/1/three.json")) == (3, None)
    files.remove(["in/1/one.json", "in/1/three.json"])
    files.remove_tree("in/2")
    files.remove_tree("nowhere")
    assert files.names("in") == ["in/0/one.json", "in/1/two.json"]
    with pytest.raises(FileNotFoundError) as missing:
        files.read("in/1/one.json")
    assert files.where("in/1/one.json") in str(missing.value)


def test_local_files_move_in_once_and_are_read_as_local_paths(files: Files, tmp_path: Path) -> None:
    pairs = [(written(tmp_path, f"{n}.bin", bytes([n]) * 100), f"tables/t/{n}.bin") for n in range(4)]
    files.move_in(pairs)
    files.move_in(pairs)
    assert not any(source.exists() for source, _ in pairs)
    paths = files.local([name for _, name in pairs])
    assert [path.read_bytes()[0] for path in paths] == [0, 1, 2, 3]
    assert all(path.stat().st_mode & 0o222 == 0 for path in paths)
    with pytest.raises(FileNotFoundError):
        files.local(["tables/t/9.bin"], fresh=True)[0].read_bytes()


def test_a_folder_appears_once(files: Files, tmp_path: Path) -> None:
    data = {"data": [written(tmp_path, "x.bin", b"x")]}
    files.appear("v1", {"manifest.json": "first", "SUMMARY.md": "s"}, data)
    assert files.names("v1") == ["v1/SUMMARY.md", "v1/data/x.bin", "v1/manifest.json"]
    with pytest.raises(FileExistsError):
        files.appear("v1", {"manifest.json": "second"}, data)
    assert files.read("v1/manifest.json") == b"first"
    files.move("v1", "aside/v1")
    assert files.names("v1") == []
    assert files.read("aside/v1/data/x.bin") == b"x"


def test_copies_of_objects_are_fetched_once_or_afresh(bucket: str, tmp_path: Path) -> None:
    one = open_files(bucket, tmp_path / "one")
    two = open_files(bucket, tmp_path / "two")
    one.move_in([(written(tmp_path, "a", b"right"), "t/a")])
    (copy,) = two.local(["t/a"])
    assert copy.read_bytes() == b"right"
    copy.chmod(0o644)
    copy.write_bytes(b"wrong")
    assert two.local(["t/a"])[0].read_bytes() == b"wrong"
    assert two.local(["t/a"], fresh=True)[0].read_bytes() == b"right"
    two.remove(["t/a"])
    assert not copy.exists()
    assert one.size("t/a") is None


def test_conditional_puts_decide_between_rivals(bucket: str, tmp_path: Path) -> None:
    files = open_files(bucket, tmp_path)
    assert isinstance(files, ObjectFiles)
    assert files.create("lock", b"mine")
    assert files.create("lock", b"mine"), "an answer that was lost, asked for again"
    assert files.create("lock", b"yours") is None
    found = files.read_tagged("lock")
    assert found is not None
    assert files.replace("lock", b"still mine", found[1])
    assert files.replace("lock", b"still mine", found[1])
    assert files.replace("lock", b"yours", found[1]) is None
    assert files.read("lock") == b"still mine"
    assert files.read_tagged("nothing") is None
    files.write("d/x", b"")
    assert set(files.ages("d")) == {"d/x"}


@pytest.mark.parametrize("address", ["s3://x", "gs://bucket/a", "s3://bucket/a?b", "S3://bucket"])
def test_other_addresses_are_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(FilesError, match="s3://bucket/prefix"):
        open_files(address, tmp_path)


def test_a_bucket_that_does_not_exist_is_a_sentence(bucket: str, tmp_path: Path) -> None:
    files = open_files(f"{bucket}-other", tmp_path)
    with pytest.raises(FilesError, match="check address, keys and endpoint") as error:
        files.names("x")
    assert "\n" not in str(error.value)


def test_options_say_where_the_service_is(
    bucket: str, s3_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    options = {"aws_endpoint_url": s3_address, "aws_allow_http": "true"}
    open_files(bucket, tmp_path, options).write("a", b"1")
    assert open_files(bucket, tmp_path, options).read("a") == b"1"
