"""How the outside is reached: settings, the chat client for OpenAI-compatible servers, the store of replies."""

from lmms_eval_ja.clients.assets import AssetError, asset, cache_folder
from lmms_eval_ja.clients.chat import ChatClient, ChatError, ChatReply, ChatRequest, probe
from lmms_eval_ja.clients.settings import JudgeSettings, Settings, SettingsError, load_settings
from lmms_eval_ja.clients.store import Store, StoredReply

__all__ = [
    "AssetError",
    "ChatClient",
    "ChatError",
    "ChatReply",
    "ChatRequest",
    "JudgeSettings",
    "Settings",
    "SettingsError",
    "Store",
    "StoredReply",
    "asset",
    "cache_folder",
    "load_settings",
    "probe",
]
