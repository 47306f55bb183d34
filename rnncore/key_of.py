"""A pydantic type for the key of a registry's entry, asked anew each time, so that later entries are valid too."""

from collections.abc import Iterable
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticKnownError, core_schema

from rnncore.registry import Registry


class KeyOf:
    """Marks a text as the key of an entry of `registry`, or one of `also`: `Annotated[str, KeyOf(CELLS)]`."""

    def __init__(self, registry: Registry[Any], *also: str) -> None:
        self._registry, self._also = registry, also

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "enum": self._keys()}

    def _keys(self) -> list[str]:
        return [*self._also, *self._registry]

    def _validate(self, value: Any) -> str:
        if isinstance(value, str) and value in self._keys():
            return value
        raise PydanticKnownError("literal_error", {"expected": either(self._keys())})


def either(keys: Iterable[str], word: str = "or") -> str:
    """Return keys as a sentence lists them: "'a', 'b' or 'c'"."""
    quoted = [repr(key) for key in keys]
    return f" {word} ".join((", ".join(quoted[:-1]), quoted[-1])) if len(quoted) > 1 else "".join(quoted)
