"""GraphQL: parse, validate against GitHub's schema, execute, and report errors as GitHub does."""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLError,
    GraphQLResolveInfo,
    OperationType,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from tests.hub.graph_mutations import Mutation
from tests.hub.graph_nodes import Context, Query
from tests.hub.wire import Answer, Json, Request, UnsupportedError, json_answer

if TYPE_CHECKING:
    from tests.hub.accounts import Token
    from tests.hub.hub import Hub

FIELDS = {"query", "variables", "operationName"}
MISSING = object()


def serve(hub: Hub, request: Request, token: Token) -> Answer:
    """Answer `POST /graphql`."""
    if request.method != "POST" or request.query:
        raise UnsupportedError("only POST without a query string")
    try:
        body: Any = json.loads(request.body)
    except ValueError:
        return json_answer({"message": "Problems parsing JSON"}, 400)
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        message = "A query attribute must be specified and must be a string."
        return json_answer({"errors": [{"message": message}]})
    if body.keys() - FIELDS:
        raise UnsupportedError(f"body fields {sorted(body.keys() - FIELDS)}")
    return json_answer(_run(Context(hub, token, request.lag), body))


def _run(context: Context, body: Json) -> Json:
    schema = context.hub.schema
    try:
        document = parse(body["query"])
    except GraphQLError as error:
        return {"errors": [_formatted(error)]}
    wrong = validate(schema, document)
    if wrong:
        return {"errors": [_formatted(error) for error in wrong]}
    operation = get_operation_ast(document, body.get("operationName"))
    changing = operation is not None and operation.operation is OperationType.MUTATION
    result = execute_sync(
        schema,
        document,
        root_value=Mutation(context) if changing else Query(context),
        context_value=context,
        variable_values=body.get("variables"),
        operation_name=body.get("operationName"),
        field_resolver=_resolve,
        type_resolver=lambda value, _info, _type: str(value.typename),
    )
    errors = result.errors or []
    for failed in errors:
        cause = failed.original_error
        if cause is not None and not isinstance(cause, GraphQLError):
            # A gap or a fault of the double's own must not pass for an answer of GitHub's.
            raise cause
    data = {} if result.data is None else {"data": result.data}
    return data | ({"errors": [_formatted(failed) for failed in errors]} if errors else {})


def _resolve(source: object, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """Find a field as the attribute or method of the same name in Python's spelling."""
    where = f"GraphQL field {info.parent_type.name}.{info.field_name}"
    member = getattr(source, _snake(info.field_name), MISSING)
    if member is MISSING:
        raise UnsupportedError(where)
    if not callable(member):
        return member
    known = inspect.signature(member).parameters
    given = {argument.name.value for node in info.field_nodes for argument in node.arguments or ()}
    unknown = sorted(name for name in given if _snake(name) not in known or name == "context")
    if unknown:
        raise UnsupportedError(f"{where} with {unknown}")
    wanted = {_snake(k): v for k, v in arguments.items() if _snake(k) in known}
    if "context" in known:
        wanted["context"] = info.context
    return member(**wanted)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _formatted(error: GraphQLError) -> Json:
    """Write an error with its `type` at the top, where GitHub has it."""
    shape: Json = dict(error.formatted)
    extensions = dict(shape.pop("extensions", {}))
    kind = {"type": extensions.pop("type")} if "type" in extensions else {}
    return {**kind, **shape, **({"extensions": extensions} if extensions else {})}
