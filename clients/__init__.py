"""How the outside is reached: settings, the chat client for OpenAI-compatible servers, the store of replies."""

from lmms_eval_ja.clients.assets import AssetError, asset, cache_folder
from lmms_eval_ja.clients.chat import ChatClient, ChatError, ChatReply, ChatRequest
from lmms_eval_ja.clients.connection import openai_client, probe
from lmms_eval_ja.clients.images import ChatImage, ImageError, with_images
from lmms_eval_ja.clients.prices import Price, price_of
from lmms_eval_ja.clients.settings import JudgeSettings, Settings, SettingsError, load_settings
from lmms_eval_ja.clients.store import Store, StoredReply

__all__ = [
    "AssetError",
    "ChatClient",
    "ChatError",
    "ChatImage",
    "ChatReply",
    "ChatRequest",
    "ImageError",
    "JudgeSettings",
    "Price",
    "Settings",
    "SettingsError",
    "Store",
    "StoredReply",
    "asset",
    "cache_folder",
    "load_settings",
    "openai_client",
    "price_of",
    "probe",
    "with_images",
]
