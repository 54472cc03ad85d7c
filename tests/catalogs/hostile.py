"""Catalogs that try to do what a catalog may not: run, read, reach out, exhaust."""

from __future__ import annotations

from tests.catalogs.documents import FACTS, change, text, valid, with_options, with_url

# name: (text of the file, words that the complaint must contain)
CORPUS: dict[str, tuple[str | bytes, str]] = {}


def _add(name: str, content: str | bytes, words: str) -> None:
    assert name not in CORPUS, name
    CORPUS[name] = (content, words)


_TEMPLATES = {
    "environment": "{env(CLIMCUBE_CANARY)}",
    "environment in a path": "s3://bucket/{env(CLIMCUBE_CANARY)}.zarr",
    "jinja expression": "{{ 7 * 7 }}",
    "jinja attribute": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "jinja statement": "{% for x in range(3) %}{% endfor %}",
    "shell": "{shell(touch pwned)}",
    "client environment": "{client_env(CLIMCUBE_CANARY)}",
    "function": "{func(os:getcwd)}",
    "pickle": "{pickle64(gASVCAAAAAAAAACMBGV4ZWOULg==)}",
    "other data": "{data(sst@1)}",
    "bare reference": "data(sst@1)",
    "shell variable": "${CLIMCUBE_CANARY}/x.zarr",
    "catalog path": "{CATALOG_PATH}/x.zarr",
    "two folders": "{CATALOG_DIR}/{CATALOG_DIR}/x.zarr",
    "folder in the middle": "s3://bucket/{CATALOG_DIR}/x.zarr",
}
for _name, _text in _TEMPLATES.items():
    _add(f"template in address: {_name}", text(with_url(_text)), "templates are not allowed")
for _path in (
    f"{FACTS}|title",
    f"{FACTS}|licence",
    f"{FACTS}|traps",
    "metadata|title",
    "data|sst@1|metadata|note",
    "data|sst@1|kwargs|root",
    "entries|sst|kwargs|group",
    "data|sst@1|kwargs|storage_options|endpoint_url",
    "entries|sst|output_instance",
    "aliases|warm",
):
    _value = ["{env(CLIMCUBE_CANARY)}"] if _path.endswith("traps") else "{env(CLIMCUBE_CANARY)}"
    _add(f"template in {_path}", text(change(_path, _value)), "templates are not allowed")
_add("template as key", text(change("aliases|{env(HOME)}", "sst")), "templates are not allowed")
_add(
    "template as argument",
    text(change("entries|sst|kwargs|args", ["{env(CLIMCUBE_CANARY)}"])),
    "templates are not allowed",
)

_PARAMETER = {"x": {"cls": "os:system", "default": "touch pwned", "dtype": "str"}}
for _path in ("user_parameters", "data|sst@1|user_parameters", "entries|sst|user_parameters"):
    _add(f"parameter that imports: {_path}", text(change(_path, _PARAMETER)), "no user parameters")

for _reader in (
    "os:system",
    "builtins:eval",
    "subprocess:Popen",
    "myreader:CubeReader",
    "intake.readers.readers:PythonModule",
    "intake.readers.readers:SKLearnModelReader",
    "intake.readers.catalogs:THREDDSCatalogReader",
    "intake.readers.convert:Pipeline",
):
    _add(f"reader {_reader}", text(change("entries|sst|reader", _reader)), "one of")
for _kind in (
    "os:system",
    "intake.readers.datatypes:PythonSourceCode",
    "intake.readers.datatypes:SQLQuery",
    "intake.readers.datatypes:YAMLFile",
    "intake.readers.datatypes:HuggingfaceDataset",
):
    _add(f"data type {_kind}", text(change("data|sst@1|datatype", _kind)), "one of")
for _key, _value in {
    "func": "os:system",
    "preprocess": "os:system",
    "backend_kwargs": {"storage_options": {}},
    "engine": "myengine",
    "steps": [["os:system", ["touch pwned"], {}]],
}.items():
    _add(f"reader argument {_key}", text(change(f"entries|sst|kwargs|{_key}", _value)), _key)
_add("imports", text(change(f"{FACTS}|imports", ["os"])), "unknown key")
_add("class", text(change("cls", "os:system")), "unknown key")

for _path in (
    "../outside.zarr",
    "../../../../etc/passwd",
    "a/../../outside.zarr",
    "{CATALOG_DIR}/../outside.zarr",
    "{CATALOG_DIR}//etc/../../passwd",
    "/etc/passwd",
    "file:///etc/passwd",
    "~/.aws/credentials",
    "~root/x.zarr",
    "$HOME/x.zarr",
    "%2e%2e/outside.zarr",
    "%252e%252e/outside.zarr",
    "link/secret.zarr",
    "link/*.nc",
    "link",
    ".",
    "/",
    "*/../../outside.zarr",
    "/proc/self/environ",
):
    _add(f"path {_path}", text(with_url(_path)), "path not allowed")
_add("path with backslashes", text(with_url("..\\outside.zarr")), "address not allowed")
_add("path in a remote folder", text(with_url("s3://bucket/a/../../b")), "address not allowed")
_add("group out of the store", text(change("data|sst@1|kwargs|root", "../x")), "group not allowed")

for _url in (
    "ftp://host/x.zarr",
    "sftp://host/x.zarr",
    "ssh://host/x.zarr",
    "smb://host/x.zarr",
    "hdfs://host/x.zarr",
    "github://org:repo@/x.zarr",
    "reference://x.json",
    "zip://x.zip",
    "local:///etc/passwd",
    "file://host/etc/passwd",
    "file:/etc/passwd",
    "data:text/plain,hello",
    "python:os.system",
    "S3://bucket/x.zarr",
    "s3:bucket/x.zarr",
):
    _add(f"protocol {_url}", text(with_url(_url)), "protocol not allowed")
for _url in (
    "simplecache::s3://bucket/x.zarr",
    "zip://x.zarr::file:///etc/passwd",
    "filecache::file:///etc/passwd",
):
    _add(f"chain {_url}", text(with_url(_url)), "address not allowed")
for _url in (
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://2852039166/latest",
    "http://0xa9fea9fe/latest",
    "http://0251.0376.0251.0376/latest",
    "http://0.0.0.0/x.zarr",
    "https:///x.zarr",
):
    _add(f"host {_url}", text(with_url(_url)), "host not allowed")
for _url in (
    "https://me:canary-password@host/x.zarr",
    "s3://AKIA:canary-password@bucket/x.zarr",
    "https://host/x.zarr?X-Amz-Signature=canary-password",
    "https://host/x.zarr?AWSAccessKeyId=canary-password",
    "https://host/x.zarr?token=canary-password",
):
    _add(f"credential in {_url}", text(with_url(_url)), "credentials do not belong")
for _name in ("key", "secret", "token", "username", "password", "profile", "aws_session_token"):
    _add(
        f"option {_name}",
        text(with_options(**{_name: "canary-password"})),
        "credentials do not belong",
    )
_add(
    "option in client_kwargs",
    text(with_options(client_kwargs={"aws_secret_access_key": "canary-password"})),
    "credentials do not belong",
)
_add("option unknown", text(with_options(default_cache_type="all")), "unknown key")
_add("option that pays", text(with_options(requester_pays=True)), "unknown key")
_add("end point local", text(with_options(endpoint_url="file:///etc")), "end point not allowed")
_add(
    "end point of the machine",
    text(with_options(client_kwargs={"endpoint_url": "http://169.254.169.254"})),
    "host not allowed",
)

_LAUGH = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n" + text(valid())
_add("billion laughs", _LAUGH, "anchors and aliases")
_add("recursive", "a: &a [*a]\n", "anchors and aliases")
_add("deep", "a: " + "[" * 2000 + "]" * 2000, "nested too deeply")
_add("long", "a: [" + "1," * 200_000 + "]", "too long")
_add("large", "# " + "x" * 1_100_000, "too large")
_add("python object", "!!python/object/apply:os.system ['touch pwned']", "not YAML that")
_add("python name", "a: !!python/name:os.system", "not YAML that")
_add("binary", "a: !!binary aGVsbG8=", "a kind that a catalog may not contain")
_add("set", "a: !!set {x, y}", "a kind that a catalog may not contain")
_add("own tag", "a: !env CLIMCUBE_CANARY", "not YAML that")
_add("not text", b"\xff\xfe\x00v", "not text")
_add("nul", text(valid()) + "# \x00", "not YAML that")
_add("two documents", text(valid()) + "---\n" + text(valid()), "not YAML that")
_add("key written twice", text(valid()) + "version: 2\n", "written twice")
_add("number as key", "1: 2\n", "keys of a catalog are text")
_add("mapping as key", "? {a: b}\n: 2\n", "not YAML that")
_add("huge number", "version: " + "9" * 6000, "not YAML that")
_add("empty", "", "not a catalog")
_add("list", "[1, 2]", "not a catalog")
_add("version 1", "sources: {x: {driver: python, args: {}}}\n", "unknown key")
_add("control characters", text(change(f"{FACTS}|title", "a\x1b[2Jb")), "control characters")

for _text in ("a\u202eb", "a\u200bb", "a\u2066b", "a\ufeffb"):
    _add(f"invisible {_text!a}", text(change(f"{FACTS}|title", _text)), "control characters")
for _url in (
    "\u04553://bucket/x.zarr",
    "s3://buck\u0435t/x.zarr",
    "https://h\u043est/x.zarr",
    "s3://bucket/\uff0e\uff0e/x.zarr",
    "https://host\u2024example/x.zarr",
):
    _words = "address not allowed" if _url[0] in "sh" else "protocol not allowed"
    _add(f"look-alike {_url!a}", text(with_url(_url)), _words)
for _number in (".nan", ".inf", "-.inf", "1.5", "-1", "0"):
    _add(
        f"chunks of {_number}",
        text(change(f"{FACTS}|chunks", {"time": "NUMBER"})).replace("NUMBER", _number),
        "value not allowed",
    )
_add("credential behind a slash", text(with_url("s3://AKIA:canary/password@b/x")), "credentials do")
_add("signature of a cloud", text(with_url("https://h/x.nc?sig=canary-password")), "credentials do")
_add("role unknown", text(change("data|sst@1|metadata|role", "mirrors")), "one of")
_add("delay of ages", text(change(f"{FACTS}|delay_days", 10**9)), "value not allowed")
_add("version that climbs", text(change("data|sst@1|kwargs|ref", "{env(HOME)}")), "templates are")
for _name in ("get_client", "fs", "target_options", "encode", "hooks"):
    _add(f"option {_name}", text(with_options(**{_name: "os:system"})), "unknown key")
