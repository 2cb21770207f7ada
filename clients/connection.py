"""How a judge's server is reached: the SDK's client for it, and whether it answers at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lmms_eval_ja.clients.settings import JudgeSettings, SettingsError, without_userinfo

if TYPE_CHECKING:
    from openai import AsyncOpenAI

#: Statuses by which a server rejects the key.
KEY_STATUS = {401, 403}
_PROBE_S = 10.0


def openai_client(settings: JudgeSettings) -> AsyncOpenAI:
    """The SDK's client for a judge of provider "openai" or "azure", without the SDK's own retries.

    Azure OpenAI is reached under `/openai/deployments/MODEL` of its resource, with the key in the header `api-key`.

    Raises:
        SettingsError: what the key's variable holds cannot be a key; sending it would show it in an error.
    """
    import openai

    if problem := _unusable_key(settings):
        raise SettingsError(problem)
    key = settings.key() or "none"
    if settings.provider == "azure":
        return openai.AsyncAzureOpenAI(
            api_key=key, azure_endpoint=_resource(settings), api_version=settings.api_version, max_retries=0
        )
    return openai.AsyncOpenAI(api_key=key, base_url=settings.base_url, max_retries=0)


def probe(settings: JudgeSettings) -> str | None:
    """Ask the server for its list of models, which costs nothing. Blocks up to 10 s.

    Returns:
        What is wrong, in a sentence that says what to do, or None. A server without that list but which
        answers at all counts as reachable. Whether a deployment of Azure OpenAI exists is not asked: its list does not
        say so.
    """
    import httpx

    key, address = settings.key(), without_userinfo(settings.base_url)
    if problem := _unusable_key(settings):
        return problem
    if key is None and (settings.is_openai or settings.provider == "azure"):
        return (
            f"the judge {settings.model} at {address} wants a key: set {settings.key_variable}, or choose "
            "another judge (LMMS_EVAL_JA_JUDGE, judge.toml)"
        )
    url, headers = f"{settings.base_url}/models", {"Authorization": f"Bearer {key}"} if key else {}
    if settings.provider == "azure":
        url = f"{_resource(settings)}/openai/models?api-version={settings.api_version}"
        headers = {"api-key": key or ""}
    try:
        answer = httpx.get(url, headers=headers, timeout=_PROBE_S)
    except httpx.HTTPError as error:
        return (
            f"the judge at {address} cannot be reached ({type(error).__name__}: {error}): start it, correct "
            "its address (base_url in judge.toml, or LMMS_EVAL_JA_JUDGE_BASE_URL), or generate now and judge later "
            "with --predict_only"
        )
    if answer.status_code in KEY_STATUS:
        if settings.key_variable is None:
            return f"the judge at {address} wants a key (HTTP {answer.status_code}): name its variable in api_key_env"
        return f"the judge at {address} rejects the key in {settings.key_variable} (HTTP {answer.status_code})"
    return None


def _resource(settings: JudgeSettings) -> str:
    """The address of a resource of Azure OpenAI; with `/openai` it is often copied."""
    return settings.base_url.removesuffix("/openai")


def _unusable_key(settings: JudgeSettings) -> str | None:
    """What is wrong with a key that does not fit into a header; an error about the header would show it."""
    key = settings.key()
    if key is None or (key.isascii() and key.isprintable()):
        return None
    return f"what {settings.key_variable} holds cannot be a key: it has characters that are not printable ASCII"
