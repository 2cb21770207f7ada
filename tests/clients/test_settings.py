from __future__ import annotations

from pathlib import Path

import pytest

from lmms_eval_ja.clients import JudgeSettings, SettingsError, load_settings
from lmms_eval_ja.clients.settings import BUILT_IN_JUDGES

SECRET = "sk-test-0123456789"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder and an empty configuration folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def named(model: str) -> str:
    return f'judge = "mine"\n[judges.mine]\nmodel = "{model}"\n'


# --- where settings come from ---


def test_without_any_file_the_judge_is_the_snapshot_of_openai():
    settings = load_settings({})
    assert settings.judge_name == "openai"
    assert settings.judge.model == "gpt-5.1-2025-11-13"
    assert settings.judge.base_url == "https://api.openai.com/v1"
    assert settings.judge.repeats == 1
    assert settings.source is None
    assert settings.assets is None
    assert settings.store.name == "verdicts.sqlite"


def test_files_are_looked_for_in_order(folder):
    user = write(folder / "config" / "lmms-eval-ja" / "judge.toml", named("of-the-user"))
    assert (load_settings({}).judge.model, load_settings({}).source) == ("of-the-user", user)
    local = write(folder / "judge.toml", named("of-the-folder"))
    assert (load_settings({}).judge.model, load_settings({}).source) == ("of-the-folder", local)
    stated = write(folder / "elsewhere.toml", named("stated"))
    assert load_settings({"LMMS_EVAL_JA_JUDGE_FILE": str(stated)}).judge.model == "stated"


def test_a_stated_file_that_is_missing_is_an_error(folder):
    write(folder / "judge.toml", named("of-the-folder"))
    with pytest.raises(SettingsError, match=r"LMMS_EVAL_JA_JUDGE_FILE names .*nowhere\.toml"):
        load_settings({"LMMS_EVAL_JA_JUDGE_FILE": str(folder / "nowhere.toml")})


def test_the_environment_wins_over_the_file(folder):
    write(
        folder / "judge.toml",
        'judge = "a"\nstore = "file.sqlite"\nassets = "file-assets"\n'
        '[judges.a]\nmodel = "file-model"\nconcurrency = 2\nseed = 3\n[judges.b]\nmodel = "other"\n',
    )
    environ = {
        "LMMS_EVAL_JA_JUDGE_MODEL": "environment-model",
        "LMMS_EVAL_JA_JUDGE_CONCURRENCY": "7",
        "LMMS_EVAL_JA_STORE": "~/environment.sqlite",
        "LMMS_EVAL_JA_ASSETS": "environment-assets",
    }
    settings = load_settings(environ)
    assert (settings.judge_name, settings.judge.model) == ("a", "environment-model")
    assert (settings.judge.concurrency, settings.judge.seed) == (7, 3)
    assert settings.store == folder / "home" / "environment.sqlite"
    assert settings.assets == Path("environment-assets")
    assert load_settings({}).store == Path("file.sqlite")
    assert load_settings({"LMMS_EVAL_JA_JUDGE": "b"}).judge.model == "other"


def test_load_settings_reads_the_process_environment(monkeypatch):
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE", "overlap")
    assert load_settings().judge.provider == "overlap"


def test_overlap_is_there_without_a_file_but_never_by_itself(folder):
    assert load_settings({"LMMS_EVAL_JA_JUDGE": "overlap"}).judge.provider == "overlap"
    write(folder / "judge.toml", '[judges.mine]\nmodel = "x"\n')
    assert load_settings({}).judge_name == "openai"


# --- errors name the file, the field and what is valid ---


def test_an_unknown_judge_names_the_file_and_those_there_are(folder):
    with pytest.raises(SettingsError, match=r"unknown judge 'gpt'; expected one of openai, overlap.*no judge\.toml"):
        load_settings({"LMMS_EVAL_JA_JUDGE": "gpt"})
    path = write(folder / "judge.toml", 'judge = "yours"\n[judges.mine]\nmodel = "x"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings({})
    assert "'yours'" in str(caught.value)
    assert "mine, openai, overlap" in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_unknown_field_names_the_file_the_table_and_the_fields(folder):
    path = write(folder / "judge.toml", f'judge = "mine"\n[judges.mine]\nmodel = "x"\napi_key = "{SECRET}"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings({})
    message = str(caught.value)
    assert f"{path}, [judges.mine]: unknown field 'api_key'" in message
    assert all(field in message for field in JudgeSettings.model_fields)
    assert SECRET not in message


def test_an_unknown_key_names_the_file_and_the_keys(folder):
    path = write(folder / "judge.toml", 'judgement = "mine"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings({})
    assert f"{path}: unknown key 'judgement'" in str(caught.value)
    assert "allow_changed_data, anchors, assets, budget_usd, image, judge, judges, manga109, store" in str(caught.value)


def test_an_unknown_variable_is_not_ignored():
    with pytest.raises(SettingsError, match=r"unknown environment variable LMMS_EVAL_JA_JUDGE_MODLE; .*_JUDGE_MODEL"):
        load_settings({"LMMS_EVAL_JA_JUDGE_MODLE": "gpt"})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CONCURRENCY", "0"),
        ("CONCURRENCY", "many"),
        ("DEADLINE_S", "0"),
        ("REPEATS", "0"),
        ("REASKS", "11"),
        ("TEMPERATURE", "-0.1"),
        ("TOP_P", "0"),
        ("PROVIDER", "anthropic"),
        ("MODE", "later"),
        ("PRICE_INPUT", "-1"),
    ],
)
def test_a_value_out_of_range_names_field_value_and_variable(variable, value):
    with pytest.raises(SettingsError) as caught:
        load_settings({f"LMMS_EVAL_JA_JUDGE_{variable}": value})
    assert f"judge 'openai': {variable.lower()}: " in str(caught.value)
    assert repr(value) in str(caught.value)
    assert f"LMMS_EVAL_JA_JUDGE_{variable}" in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:8000/v1", "ftp://host/v1", "http://", "http://:80/v1", "http://host:99999/v1", "http://[x/v1"],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(SettingsError, match="base_url"):
        load_settings({"LMMS_EVAL_JA_JUDGE_BASE_URL": address})


def test_a_slash_at_the_end_of_the_address_is_dropped():
    assert JudgeSettings(base_url="http://127.0.0.1:8000/v1/").base_url == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("judge = ", "Invalid value"),
        ("judges = 3", r"\[judges\.local\]"),
        ("[judges]\nlocal = 3", r"\[judges\.local\]"),
        ("[judge]\nmodel = 'x'", "its fields stand under"),
        ("store = 3", "store: expected a path in quotes, got 3"),
        ("assets = true", "assets: expected a path in quotes, got True"),
        ('allow_changed_data = "no"', "allow_changed_data: expected true or false, got 'no'"),
        ("anchors = 1", "anchors: expected true or false, got 1"),
        ("budget_usd = 0", "budget_usd: expected US dollars above 0, such as 2.50, got 0"),
        ("budget_usd = true", "budget_usd: expected US dollars above 0, such as 2.50, got True"),
        ("budget_usd = inf", "budget_usd: expected US dollars above 0, such as 2.50, got inf"),
        ('budget_usd = "5"', "budget_usd: expected US dollars above 0, such as 2.50, got '5'"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(folder, text, expected):
    path = write(folder / "judge.toml", text)
    with pytest.raises(SettingsError, match=expected) as caught:
        load_settings({})
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_not_utf8_is_named(folder):
    (folder / "judge.toml").write_bytes('judge = "採点"'.encode("shift_jis"))
    with pytest.raises(SettingsError, match=r"judge\.toml: .*utf-8"):
        load_settings({})


# --- flags ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", True),
        ("TRUE", True),
        ("yes", True),
        ("on", True),
        ("0", False),
        ("no", False),
        ("Off", False),
        ("", False),
    ],
)
def test_flags(text, expected):
    assert load_settings({"LMMS_EVAL_JA_ALLOW_CHANGED_DATA": text}).allow_changed_data is expected


def test_a_flag_of_the_file_is_overridden_by_the_environment(folder):
    assert load_settings({}).allow_changed_data is False
    write(folder / "judge.toml", "allow_changed_data = true\n")
    assert load_settings({}).allow_changed_data is True
    assert load_settings({"LMMS_EVAL_JA_ALLOW_CHANGED_DATA": "0"}).allow_changed_data is False


def test_a_flag_that_is_neither_is_an_error():
    with pytest.raises(SettingsError, match=r"ALLOW_CHANGED_DATA: expected 1 or 0, got 'maybe'"):
        load_settings({"LMMS_EVAL_JA_ALLOW_CHANGED_DATA": "maybe"})


def test_anchors_are_judged_unless_they_are_switched_off(folder):
    assert load_settings({}).anchors is True
    assert load_settings({"LMMS_EVAL_JA_ANCHORS": "0"}).anchors is False
    write(folder / "judge.toml", "anchors = false\n")
    assert load_settings({}).anchors is False
    assert load_settings({"LMMS_EVAL_JA_ANCHORS": "yes"}).anchors is True


# --- the budget ---


def test_a_budget_is_stated_in_the_file_or_the_environment(folder):
    assert load_settings({}).budget_usd is None
    assert load_settings({"LMMS_EVAL_JA_BUDGET_USD": "2.50"}).budget_usd == 2.5
    write(folder / "judge.toml", "budget_usd = 10\n")
    assert load_settings({}).budget_usd == 10
    assert load_settings({"LMMS_EVAL_JA_BUDGET_USD": "0.1"}).budget_usd == 0.1
    assert load_settings({"LMMS_EVAL_JA_BUDGET_USD": ""}).budget_usd == 10


@pytest.mark.parametrize("text", ["0", "-1", "ten", "nan", "inf", "$5"])
def test_a_budget_that_is_none_is_an_error(text):
    with pytest.raises(SettingsError, match=r"_BUDGET_USD: expected US dollars above 0, such as 2\.50, got"):
        load_settings({"LMMS_EVAL_JA_BUDGET_USD": text})


# --- fields that must fit together ---

AZURE = {"provider": "azure", "base_url": "https://mine.openai.azure.com", "api_version": "2024-10-21"}


def judge_file(folder, **fields):
    lines = [f"{name} = {value!r}" for name, value in fields.items()]
    return write(folder / "judge.toml", "\n".join(['judge = "mine"', "[judges.mine]", *lines]))


@pytest.mark.parametrize("lacking", ["base_url", "api_version"])
def test_azure_needs_its_address_and_the_date_of_its_api(folder, lacking):
    judge_file(folder, **AZURE)
    assert load_settings({}).judge.provider == "azure"
    path = judge_file(folder, **{name: value for name, value in AZURE.items() if name != lacking})
    with pytest.raises(SettingsError) as caught:
        load_settings({})
    assert f"{path}, [judges.mine]: provider azure needs base_url, the resource's own address, and api_version" in str(
        caught.value
    )


def test_openais_own_address_is_no_resource_of_azure(folder):
    judge_file(folder, **AZURE | {"base_url": "https://api.openai.com/v1"})
    with pytest.raises(SettingsError, match="provider azure needs base_url"):
        load_settings({})


def test_azures_key_has_a_variable_of_its_own():
    settings = JudgeSettings(**AZURE)
    assert settings.key({"OPENAI_API_KEY": SECRET}) is None
    assert settings.key({"AZURE_OPENAI_API_KEY": SECRET}) == SECRET
    assert JudgeSettings(**AZURE, api_key_env="MINE").key({"AZURE_OPENAI_API_KEY": SECRET}) is None


@pytest.mark.parametrize("provider", ["transformers", "overlap"])
def test_batches_are_openais(folder, provider):
    judge_file(folder, provider=provider, mode="store")
    assert load_settings({}).judge.mode == "store"
    judge_file(folder, provider=provider, mode="batch")
    with pytest.raises(SettingsError, match=f"mode batch is for providers openai and azure; {provider} knows live"):
        load_settings({})


@pytest.mark.parametrize(("given", "other"), [("price_input", "price_output"), ("price_output", "price_input")])
def test_a_price_is_stated_whole(given, other):
    variable = f"LMMS_EVAL_JA_JUDGE_{given.upper()}"
    with pytest.raises(SettingsError, match=f"judge 'openai': {given} is stated without {other}: state both"):
        load_settings({variable: "1.5"})
    assert load_settings({variable: "1.5", f"LMMS_EVAL_JA_JUDGE_{other.upper()}": "0"}).judge.price_input is not None


def test_what_does_not_fit_together_is_said_without_any_value():
    environ = {
        "LMMS_EVAL_JA_JUDGE_PROVIDER": "azure",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": "https://me:pass-word@mine.openai.azure.com",
    }
    with pytest.raises(SettingsError, match="api_version") as caught:
        load_settings(environ)
    assert "pass-word" not in str(caught.value)


# --- juries ---

JURY = """
judge = "jury"
[judges.jury]
provider = "jury"
members = ["b", "a"]
repeats = 3
[judges.a]
model = "model-a"
base_url = "http://me:pass-word@127.0.0.1:8000/v1"
[judges.b]
model = "model-b"
repeats = 5
swap = true
"""


def test_the_members_of_a_jury_come_in_the_stated_order_with_its_repeats(folder):
    write(folder / "judge.toml", JURY)
    settings = load_settings({})
    assert settings.judge.members == ("b", "a")
    assert [(name, m.model, m.repeats, m.swap) for name, m in settings.members.items()] == [
        ("b", "model-b", 3, True),
        ("a", "model-a", 3, None),
    ]
    assert load_settings({"LMMS_EVAL_JA_JUDGE": "a"}).members == {}


def test_mode_and_swap_of_a_jury_hold_for_all_where_they_are_stated(folder):
    write(folder / "judge.toml", JURY)
    settings = load_settings({"LMMS_EVAL_JA_JUDGE_MODE": "store", "LMMS_EVAL_JA_JUDGE_SWAP": "0"})
    assert [(m.mode, m.swap) for m in settings.members.values()] == [("store", False)] * 2


def test_a_built_in_judge_may_be_a_member(folder):
    write(folder / "judge.toml", JURY.replace('"a"', '"openai"'))
    assert load_settings({}).members["openai"].model == "gpt-5.1-2025-11-13"


def test_a_jury_is_shown_with_its_members_and_without_secrets(folder):
    write(folder / "judge.toml", JURY)
    shown = load_settings({"OPENAI_API_KEY": SECRET}).shown({"OPENAI_API_KEY": SECRET})
    assert shown["judge"] == {
        "name": "jury",
        "provider": "jury",
        "repeats": 3,
        "members": [
            {
                "name": "b",
                "provider": "openai",
                "model": "model-b",
                "repeats": 3,
                "swap": True,
                "base_url": "https://api.openai.com/v1",
                "key": "OPENAI_API_KEY is set",
            },
            {
                "name": "a",
                "provider": "openai",
                "model": "model-a",
                "repeats": 3,
                "base_url": "http://127.0.0.1:8000/v1",
                "key": "none is sent; name its variable in api_key_env if the server wants one",
            },
        ],
    }
    assert (shown["budget_usd"], shown["anchors"]) == (None, True)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('["b", "a"]', '["b"]', "a jury needs members, a list of at least two different judges"),
        ('["b", "a"]', '["b", "b"]', "a jury needs members, a list of at least two different judges"),
        ('["b", "a"]', '"b, a"', r"members: Input should be a valid tuple \(got 'b, a'\)"),
        ('["b", "a"]', '["b", "c"]', r"members: 'c' is no judge; expected some of a, b, openai, overlap"),
        ('["b", "a"]', '["b", "jury"]', "members: 'jury' is a jury itself"),
        ("repeats = 3", "temperature = 0", "temperature belongs to the members, not to their jury, which has provider"),
        ('provider = "jury"', "", 'members is for a jury: state provider = "jury"'),
    ],
)
def test_a_jury_that_cannot_be_is_an_error(folder, before, after, expected):
    path = write(folder / "judge.toml", JURY.replace(before, after))
    with pytest.raises(SettingsError, match=expected) as caught:
        load_settings({})
    assert str(caught.value).startswith(f"{path}, [judges.jury]: ")


def test_a_member_that_cannot_be_is_named(folder):
    path = write(folder / "judge.toml", JURY.replace('model = "model-a"', "seed = 'x'"))
    with pytest.raises(SettingsError) as caught:
        load_settings({})
    assert str(caught.value).startswith(f"{path}, [judges.a]: seed: ")


def test_a_list_of_members_stands_in_the_file_only(folder):
    write(folder / "judge.toml", JURY)
    with pytest.raises(SettingsError, match="unknown environment variable LMMS_EVAL_JA_JUDGE_MEMBERS"):
        load_settings({"LMMS_EVAL_JA_JUDGE_MEMBERS": "a,b"})


# --- what is sent ---

PRESCRIBED = {"temperature": 0, "max_tokens": 1024, "seed": 0}


def test_an_ordinary_judge_gets_what_the_protocol_prescribes():
    assert JudgeSettings(model="gpt-4o-2024-11-20").sampling(PRESCRIBED) == PRESCRIBED


def test_settings_override_the_protocol_also_with_zero():
    settings = JudgeSettings(model="m", temperature=0.0, seed=7, top_p=0.5, max_tokens=9)
    assert settings.sampling({"temperature": 1.0, "max_tokens": 1024}) == {
        "temperature": 0.0,
        "max_tokens": 9,
        "seed": 7,
        "top_p": 0.5,
    }


@pytest.mark.parametrize("model", ["gpt-5.1-2025-11-13", "o1", "o3-mini", "o4-mini"])
def test_a_reasoning_model_of_openai_gets_room_and_no_temperature(model):
    sent = JudgeSettings(model=model, temperature=1.0, top_p=0.5).sampling(PRESCRIBED)
    assert sent == {"seed": 0, "max_completion_tokens": 8192}


def test_a_limit_that_is_stated_holds_for_a_reasoning_model():
    assert JudgeSettings(max_tokens=500).sampling(PRESCRIBED)["max_completion_tokens"] == 500
    assert JudgeSettings().sampling({"max_tokens": 20_000})["max_completion_tokens"] == 20_000


def test_reasoning_can_be_stated():
    local = {"base_url": "http://127.0.0.1:8000/v1", "model": "gpt-5-like"}
    assert not JudgeSettings(**local).thinks
    assert JudgeSettings(**local, reasoning=True).thinks
    assert not JudgeSettings(reasoning=False).thinks


def test_extra_fields_are_sent_and_win():
    settings = JudgeSettings(model="m", extra_body={"reasoning_effort": "low", "seed": 5})
    assert settings.sampling(PRESCRIBED) == {
        "temperature": 0,
        "max_tokens": 1024,
        "seed": 5,
        "reasoning_effort": "low",
    }


# --- keys ---


def test_the_key_comes_from_the_environment_without_white_space(monkeypatch):
    settings = JudgeSettings(api_key_env="MY_KEY")
    assert settings.key({"MY_KEY": f" {SECRET}\r\n"}) == SECRET
    assert settings.key({"MY_KEY": " "}) is None
    assert settings.key({}) is None
    monkeypatch.setenv("MY_KEY", SECRET)
    assert settings.key() == SECRET


def test_openais_key_goes_to_openai_alone_unless_the_variable_is_stated():
    environ = {"OPENAI_API_KEY": SECRET}
    assert JudgeSettings().key(environ) == SECRET
    elsewhere = JudgeSettings(base_url="http://127.0.0.1:8000/v1")
    assert elsewhere.key(environ) is None
    assert "none is sent" in elsewhere.key_presence(environ)
    assert elsewhere.model_copy(update={"api_key_env": "OPENAI_API_KEY"}).key(environ) == SECRET


def test_the_record_says_whether_there_is_a_key_and_never_the_key(folder):
    write(
        folder / "judge.toml",
        'judge = "mine"\n[judges.mine]\nmodel = "m"\nbase_url = "http://me:pass-word@127.0.0.1:8000/v1"\nseed = 4\n'
        'api_key_env = "OPENAI_API_KEY"\n',
    )
    environ = {"OPENAI_API_KEY": SECRET, "LMMS_EVAL_JA_STORE": "s.sqlite"}
    settings = load_settings(environ)
    shown = settings.shown(environ)
    assert shown["judge"] == {
        "name": "mine",
        "provider": "openai",
        "model": "m",
        "base_url": "http://127.0.0.1:8000/v1",
        "seed": 4,
        "api_key_env": "OPENAI_API_KEY",
        "key": "OPENAI_API_KEY is set",
    }
    assert shown["store"] == "s.sqlite"
    assert shown["file"] == str(folder / "judge.toml")
    assert settings.shown({})["judge"]["key"] == "OPENAI_API_KEY is not set"
    for text in (repr(shown), repr(settings), str(settings)):
        assert SECRET not in text
        assert "pass-word" not in text


def test_a_key_where_the_variables_name_belongs_is_refused_and_not_shown():
    with pytest.raises(SettingsError, match="api_key_env") as caught:
        load_settings({"LMMS_EVAL_JA_JUDGE_API_KEY_ENV": SECRET})
    assert SECRET not in str(caught.value)


def test_the_built_in_judges_are_valid():
    assert {name: JudgeSettings(**fields).provider for name, fields in BUILT_IN_JUDGES.items()} == {
        "openai": "openai",
        "overlap": "overlap",
    }
    assert "key" not in load_settings({"LMMS_EVAL_JA_JUDGE": "overlap"}).shown({})["judge"]


@pytest.mark.parametrize("stated", ["given", "none", "blank", "shuffled"])
def test_what_the_model_is_shown_comes_from_the_file_or_the_environment(stated: str, tmp_path: Path) -> None:
    path = tmp_path / "judge.toml"
    path.write_text(f'image = "{stated}"\n', encoding="utf-8")
    assert load_settings({"LMMS_EVAL_JA_JUDGE_FILE": str(path)}).image == stated
    settings = load_settings({"LMMS_EVAL_JA_IMAGE": stated})
    assert (settings.image, settings.shown()["image"]) == (stated, stated)


def test_an_unknown_way_to_show_pictures_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"LMMS_EVAL_JA_IMAGE: expected one of given, none, blank, shuffled"):
        load_settings({"LMMS_EVAL_JA_IMAGE": "blurred"})
    path = tmp_path / "judge.toml"
    path.write_text("image = false\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"image in .*judge.toml: expected one of given, .*got False"):
        load_settings({"LMMS_EVAL_JA_JUDGE_FILE": str(path)})
