"""The conversation templates of VILA's models: from messages to the text that is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lmms_eval_ja.models.failures import DocumentError
from lmms_eval_ja.models.prompt import Message, message_images, message_text

IMAGE_TAG = "<image>"


@dataclass(frozen=True)
class Conversation:
    """A template; `{text}` stands for what is asked or answered.

    Attributes:
        name: As the reference calls it.
        system: In front of everything, where the messages hold no system message.
        question: A user's turn, up to where the model goes on.
        answer: A finished answer.
    """

    name: str
    system: str
    question: str
    answer: str

    def render(self, messages: Sequence[Message]) -> str:
        """Write messages into the template.

        Images that come first in a message become `<image>` and a line break each, later ones
        `<image>` in place. If the texts hold `<image>` tags themselves, one for each image, these stay and no other is
        written.

        Raises:
            DocumentError: tags in the texts, but not one for each image; or a conversation that cannot be asked: the
                last message is not the user's, or the roles do not take turns.
        """
        images = len(message_images(messages))
        texts = [message_text(m) for m in messages]
        tags = sum(text.count(IMAGE_TAG) for text in texts)
        if tags not in (0, images):
            raise DocumentError(f"{tags} {IMAGE_TAG} tags in the text for {images} images; write one for each or none")
        if not tags:
            texts = [_with_tags(m) for m in messages]
        system, turns = self.system, list(zip((m["role"] for m in messages), texts, strict=True))
        if turns and turns[0][0] == "system":
            system = turns.pop(0)[1]
        roles = [role for role, _ in turns]
        if roles != [("user", "assistant")[i % 2] for i in range(len(turns))] or len(turns) % 2 == 0:
            raise DocumentError(f"roles {', '.join(roles)}; expected user and assistant in turn, ending with user")
        forms = {"user": self.question, "assistant": self.answer}
        return system + "".join(forms[role].replace("{text}", text) for role, text in turns)


#: Of LLM-jp-3 VILA (llm-jp-VILA at 4c59e06).
LLMJP_V3 = Conversation(
    name="llmjp_v3",
    system="以下は、タスクを説明する指示です。要求を適切に満たす応答を書きなさい。",
    question="\n\n### 指示:\n{text}\n\n### 応答:\n",
    answer="{text}</s>",
)
#: Of VILA1.5-13b (vicuna_v1 of NVlabs' VILA at 48aadd5).
VICUNA_V1 = Conversation(
    name="vicuna_v1",
    system="A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives detailed, helpful, and polite answers to the user's questions. ",
    question="USER: {text} ASSISTANT:",
    answer=" {text}</s>",
)


def _with_tags(message: Message) -> str:
    parts = message["content"]
    first_text = next((i for i, part in enumerate(parts) if part["type"] == "text"), len(parts))
    head = (IMAGE_TAG + "\n") * first_text
    return head + message_text({**message, "content": parts[first_text:]}, IMAGE_TAG)
