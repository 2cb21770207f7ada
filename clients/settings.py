"""Settings: one file (`judge.toml`), environment variables over it, keys of providers from the environment only."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from typing_extensions import Self

PREFIX = "LMMS_EVAL_JA_"
OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-5.1-2025-11-13"
#: Names that need no judge.toml.
BUILT_IN_JUDGES: dict[str, dict[str, Any]] = {"openai": {}, "overlap": {"provider": "overlap", "model": "overlap"}}
#: OpenAI's model families that think before they answer: no temperature, `max_completion_tokens`.
REASONING_PREFIXES = ("o1", "o3", "o4", "gpt-5")
#: What a jury may state of itself; `mode`, `repeats` and `swap` then hold for all its members.
JURY_FIELDS = ("provider", "members", "mode", "repeats", "swap")
#: What of its pictures the model under test is shown; all but the first are ablations.
IMAGE_SETTINGS = ("given", "none", "blank", "shuffled")
#: Fields that no environment variable can carry.
_IN_THE_FILE_ONLY = ("extra_body", "members")
#: Files and folders of the user's own.
_PATHS = ("assets", "manga109", "variants")


class SettingsError(Exception):
    """A setting that cannot be used; the message names the file or variable, the field and the fix."""


class JudgeSettings(BaseModel):
    """One judge: where it is and how it is asked. Fields left at None follow the protocol."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Literal["openai", "azure", "transformers", "jury", "overlap"] = "openai"
    model: str = DEFAULT_MODEL
    base_url: str = Field(default=OPENAI_URL, repr=False)  # may hold a password
    #: The variable that holds the key. Where it is not stated, OpenAI's address gets OPENAI_API_KEY, a resource of
    #: Azure OpenAI AZURE_OPENAI_API_KEY, and no other gets any: a key never goes where it was not meant for.
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", repr=False)
    #: Azure OpenAI's date of the API; there `base_url` is the resource's address and `model` the deployment.
    api_version: str | None = None
    #: "live" asks at once, "batch" through OpenAI's Batch API, "store" nobody: what is not in the store is missing.
    mode: Literal["live", "batch", "store"] = "live"
    #: The judges of a jury, by their names.
    members: tuple[str, ...] = ()
    concurrency: int = Field(default=64, ge=1, le=1024)
    timeout_s: float = Field(default=120.0, gt=0)
    deadline_s: float = Field(default=300.0, gt=0)
    max_failures_in_row: int = Field(default=10, ge=1)
    repeats: int = Field(default=1, ge=1)
    reasks: int = Field(default=2, ge=0, le=10)
    reasoning: bool | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    seed: int | None = None
    extra_body: dict[str, Any] = Field(default_factory=dict)
    #: Whether a comparing protocol is asked in both orders of the two answers; None: as the protocol has it.
    swap: bool | None = None
    #: Whether the judge is sent the sample's images.
    sees_image: bool = False
    #: A file of `judge-eval --json` on Japanese answers; without it the scores of an open judge carry a warning.
    agreement: str | None = Field(default=None, min_length=1)
    #: US dollars per million tokens, over the price table.
    price_input: float | None = Field(default=None, ge=0)
    price_output: float | None = Field(default=None, ge=0)
    #: For provider "transformers": revision of the checkpoint, precision, devices, answers judged at a time.
    revision: str | None = None
    dtype: str = "auto"
    device_map: str = "auto"
    batch_size: int = Field(default=8, ge=1)

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if (
            parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0
        ):  # .port raises ValueError, too
            raise ValueError("no address; expected something like http://127.0.0.1:8000/v1")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.provider == "azure" and (self.api_version is None or self.is_openai):
            raise ValueError(
                "provider azure needs base_url, the resource's own address, and api_version, the date of its API"
            )
        if self.mode == "batch" and self.provider not in {"openai", "azure", "jury"}:
            raise ValueError(f"mode batch is for providers openai and azure; {self.provider} knows live and store")
        if (self.price_input is None) != (self.price_output is None):
            names = ("price_input", "price_output")
            given, other = names if self.price_output is None else reversed(names)
            raise ValueError(f"{given} is stated without {other}: state both, in US dollars per million tokens")
        if self.provider != "jury":
            if self.members:
                raise ValueError('members is for a jury: state provider = "jury"')
            return self
        if len(self.members) < 2 or len(set(self.members)) < len(self.members):  # noqa: PLR2004 (a jury is several)
            raise ValueError("a jury needs members, a list of at least two different judges by their names")
        if extra := sorted(self.model_fields_set - set(JURY_FIELDS)):
            raise ValueError(
                f"{extra[0]} belongs to the members, not to their jury, which has {', '.join(JURY_FIELDS)}"
            )
        return self

    @property
    def is_openai(self) -> bool:
        """Whether the address is OpenAI's own, which always wants a key."""
        return urlsplit(self.base_url).hostname == "api.openai.com"

    @property
    def thinks(self) -> bool:
        """Whether the judge is asked as a reasoning model (stated, or known from OpenAI's model names)."""
        if self.reasoning is not None:
            return self.reasoning
        return self.is_openai and self.model.startswith(REASONING_PREFIXES)

    @property
    def key_variable(self) -> str | None:
        """The environment variable whose key is sent, or None when no key is."""
        if self.api_key_env is not None:
            return self.api_key_env
        if self.provider == "azure":
            return "AZURE_OPENAI_API_KEY"
        return "OPENAI_API_KEY" if self.is_openai else None

    def key(self, environ: Mapping[str, str] | None = None) -> str | None:
        """The provider's key from the environment, or None."""
        if self.key_variable is None:
            return None
        return (os.environ if environ is None else environ).get(self.key_variable, "").strip() or None

    def key_presence(self, environ: Mapping[str, str] | None = None) -> str:
        """Whether there is a key, in words that do not show it."""
        if self.key_variable is None:
            return "none is sent; name its variable in api_key_env if the server wants one"
        return f"{self.key_variable} is {'set' if self.key(environ) else 'not set'}"

    def sampling(self, prescribed: Mapping[str, Any]) -> dict[str, Any]:
        """The sampling fields as they are sent: what the protocol prescribes, what the settings override.

        Args:
            prescribed: the protocol's `temperature`, `max_tokens`, `seed`, `top_p`, where it has them.
        """
        fields = ("temperature", "max_tokens", "seed", "top_p")
        sent = {name: value for name in fields if (value := prescribed.get(name)) is not None}
        sent |= {name: value for name in fields if (value := getattr(self, name)) is not None}
        if self.thinks:
            # A reasoning model takes no temperature, and its hidden reasoning counts as completion tokens.
            limit = self.max_tokens or max(8192, int(sent.get("max_tokens", 0)))
            sent = {k: v for k, v in sent.items() if k not in {"temperature", "top_p", "max_tokens"}}
            sent["max_completion_tokens"] = limit
        return sent | self.extra_body


class Settings(BaseModel):
    """All settings of a run; `source` is the file they came from, or None."""

    model_config = ConfigDict(frozen=True)

    judge_name: str
    judge: JudgeSettings
    store: Path
    assets: Path | None = None
    allow_changed_data: bool = False
    #: Whether the recorded answers that come with a benchmark are judged beside those under test.
    anchors: bool = True
    #: One of `IMAGE_SETTINGS`.
    image: str = IMAGE_SETTINGS[0]
    #: What one run may spend on judging, in US dollars.
    budget_usd: float | None = None
    #: The user's own copy of Manga109, the folder that holds `images/`.
    manga109: Path | None = None
    #: Other wordings of a task's questions: a file of them, or a folder with one for each task.
    variants: Path | None = None
    #: The judges of a jury, by name.
    members: Mapping[str, JudgeSettings] = Field(default_factory=dict)
    source: Path | None = None

    def shown(self, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A record of the settings for logs and results: says whether a key is present, never the key."""
        members = {"members": [_shown(m, name, environ) for name, m in self.members.items()]} if self.members else {}
        return {
            "judge": _shown(self.judge, self.judge_name, environ) | members,
            "anchors": self.anchors,
            "image": self.image,
            "budget_usd": self.budget_usd,
            "store": str(self.store),
            "assets": str(self.assets) if self.assets else None,
            "allow_changed_data": self.allow_changed_data,
            "file": str(self.source) if self.source else None,
        } | ({"variants": str(self.variants)} if self.variants else {})


def _shown(judge: JudgeSettings, name: str, environ: Mapping[str, str] | None) -> dict[str, Any]:
    """One judge for logs and results: what differs from the defaults, and where it is."""
    shown = judge.model_dump(exclude_none=True, exclude_defaults=True)
    shown |= {"name": name, "provider": judge.provider}
    if judge.provider != "jury":
        shown["model"] = judge.model
    if judge.provider in {"openai", "azure"}:
        shown |= {"base_url": without_userinfo(judge.base_url), "key": judge.key_presence(environ)}
    return shown


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings: built-in values, then the first `judge.toml` found, then `LMMS_EVAL_JA_…`.

    Looked for in this order: `LMMS_EVAL_JA_JUDGE_FILE`, `./judge.toml`, the user's configuration folder.

    Raises:
        SettingsError: a file that cannot be read, an unknown judge or field, a value out of range.
    """
    env = os.environ if environ is None else environ
    source = _judge_file(env)
    content = _read(source) if source else {}
    judges: dict[str, dict[str, Any]] = BUILT_IN_JUDGES | content.get("judges", {})
    name = env.get(PREFIX + "JUDGE") or content.get("judge", "openai")
    if name not in judges:
        where = f"{source} and the built-in ones" if source else "the built-in ones (no judge.toml was found)"
        raise SettingsError(f"unknown judge {name!r}; expected one of {', '.join(sorted(judges))}, from {where}")
    judge = _judge(name, judges[name] | _judge_variables(env), source)
    store = env.get(PREFIX + "STORE") or content.get("store")
    assets = env.get(PREFIX + "ASSETS") or content.get("assets")
    manga109 = env.get(PREFIX + "MANGA109") or content.get("manga109")
    variants = env.get(PREFIX + "VARIANTS") or content.get("variants")
    return Settings(
        judge_name=name,
        judge=judge,
        store=Path(store).expanduser() if store else platformdirs.user_data_path("lmms-eval-ja") / "verdicts.sqlite",
        assets=Path(assets).expanduser() if assets else None,
        allow_changed_data=_flag(env, "ALLOW_CHANGED_DATA", default=content.get("allow_changed_data", False)),
        anchors=_flag(env, "ANCHORS", default=content.get("anchors", True)),
        image=_image(env.get(PREFIX + "IMAGE") or content.get("image", IMAGE_SETTINGS[0]), source),
        budget_usd=_budget(env, content),
        manga109=Path(manga109).expanduser() if manga109 else None,
        variants=Path(variants).expanduser() if variants else None,
        members=_members(name, judge, judges, source),
        source=source,
    )


def _judge(name: str, fields: Mapping[str, Any], source: Path | None) -> JudgeSettings:
    try:
        return JudgeSettings.model_validate(dict(fields))
    except ValidationError as error:
        raise SettingsError(_explain(error, name, source)) from None


def _members(
    jury_name: str, jury: JudgeSettings, judges: Mapping[str, Mapping[str, Any]], source: Path | None
) -> dict[str, JudgeSettings]:
    """The judges of a jury in the stated order, with the jury's repeats, and its mode and swap where it states them."""
    for name in jury.members:
        where = f"{source}, [judges.{jury_name}]: members: {name!r}"
        if name not in judges:
            known = sorted(judge for judge, fields in judges.items() if fields.get("provider") != "jury")
            raise SettingsError(f"{where} is no judge; expected some of {', '.join(known)}")
        if judges[name].get("provider") == "jury":
            raise SettingsError(f"{where} is a jury itself; name its members instead")
    common = {"repeats": jury.repeats} | {
        field: getattr(jury, field) for field in ("mode", "swap") if field in jury.model_fields_set
    }
    return {name: _judge(name, {**judges[name], **common}, source) for name in jury.members}


def _image(stated: object, source: Path | None) -> str:
    if stated in IMAGE_SETTINGS:
        return str(stated)
    where = f"{PREFIX}IMAGE or image in {source}" if source else f"{PREFIX}IMAGE"
    raise SettingsError(f"{where}: expected one of {', '.join(IMAGE_SETTINGS)}, got {stated!r}")


def _budget(env: Mapping[str, str], content: Mapping[str, Any]) -> float | None:
    text = env.get(PREFIX + "BUDGET_USD")
    if not text:
        return float(content["budget_usd"]) if "budget_usd" in content else None
    try:
        budget = float(text)
    except ValueError:
        budget = math.nan
    if not 0 < budget < math.inf:
        raise SettingsError(f"{PREFIX}BUDGET_USD: expected US dollars above 0, such as 2.50, got {text!r}")
    return budget


def _judge_variables(env: Mapping[str, str]) -> dict[str, str]:
    """The fields of the judge that environment variables set."""
    known = {f"{PREFIX}JUDGE_{field.upper()}": field for field in JudgeSettings.model_fields}
    known = {name: field for name, field in known.items() if field not in _IN_THE_FILE_ONLY}
    given = {name for name in env if name.startswith(f"{PREFIX}JUDGE_")} - {f"{PREFIX}JUDGE_FILE"}
    if unknown := sorted(given - known.keys()):
        expected = ", ".join(sorted([*known, f"{PREFIX}JUDGE_FILE"]))
        raise SettingsError(f"unknown environment variable {unknown[0]}; expected one of {expected}")
    return {known[name]: env[name] for name in given}


def _judge_file(env: Mapping[str, str]) -> Path | None:
    stated = env.get(PREFIX + "JUDGE_FILE")
    if stated:
        path = Path(stated).expanduser()
        if not path.is_file():
            raise SettingsError(f"{PREFIX}JUDGE_FILE names {path}, which is not a file")
        return path
    for path in (Path("judge.toml"), platformdirs.user_config_path("lmms-eval-ja") / "judge.toml"):
        if path.is_file():
            return path.resolve()
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    known = {"judge", "judges", "store", "allow_changed_data", "anchors", "budget_usd", "image", *_PATHS}
    if unknown := sorted(set(content) - known):
        raise SettingsError(f"{path}: unknown key {unknown[0]!r}; expected one of {', '.join(sorted(known))}")
    judges = content.get("judges", {})
    if not isinstance(judges, dict) or not all(isinstance(judge, dict) for judge in judges.values()):
        raise SettingsError(f"{path}: each judge is a table of its own, such as [judges.local]")
    if not isinstance(content.get("judge", ""), str):
        raise SettingsError(
            f'{path}: judge is the name of the judge to use (judge = "local"); its fields stand under [judges.local]'
        )
    for name in ("store", *_PATHS):
        if not isinstance(content.get(name, ""), str):
            raise SettingsError(f"{path}: {name}: expected a path in quotes, got {content[name]!r}")
    for name in ("allow_changed_data", "anchors"):
        if not isinstance(content.get(name, False), bool):
            raise SettingsError(f"{path}: {name}: expected true or false, got {content[name]!r}")
    budget = content.get("budget_usd", 1)
    if isinstance(budget, bool) or not isinstance(budget, (int, float)) or not 0 < budget < math.inf:
        raise SettingsError(f"{path}: budget_usd: expected US dollars above 0, such as 2.50, got {budget!r}")
    return content


def _explain(error: ValidationError, judge: str, source: Path | None) -> str:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    where = f"{source}, [judges.{judge}]" if source else f"judge {judge!r}"
    if not field:  # fields that do not fit together
        return f"{where}: {first['ctx']['error']}"
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown field {field!r}; expected one of {', '.join(sorted(JudgeSettings.model_fields))}"
    # Where an address or a variable's name should stand, a password or a key may stand by mistake.
    got = [] if field in {"base_url", "api_key_env"} else [f"got {first['input']!r}"]
    if first["loc"][0] not in _IN_THE_FILE_ONLY:
        got.append(f"environment: {PREFIX}JUDGE_{field.upper()}")
    return f"{where}: {field}: {first['msg']} ({'; '.join(got)})"


def _flag(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = env.get(PREFIX + name)
    if text is None:
        return default
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise SettingsError(f"{PREFIX}{name}: expected 1 or 0, got {text!r}")


def without_userinfo(url: str) -> str:
    """An address as it may be shown: without the name and password that it may hold."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
