"""`fleetlore show` and `fleetlore why`: one item, report, receipt or plan, whole."""

from pathlib import Path
from typing import Any

import click

from fleetlore.kmu.access import Principal
from fleetlore.server.command_group import agent_option, commands, data_option, json_option, tell, with_ledger
from fleetlore.server.people.completing import ids_of
from fleetlore.server.people.items import item_account, item_text
from fleetlore.server.people.plans import plan_account, plan_text
from fleetlore.server.people.reports import report_account, report_text
from fleetlore.server.people.texts import as_kept
from fleetlore.server.why import why as receipt_account
from fleetlore.server.why import why_text as receipt_text
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import FeedbackId, ItemId, PlanId, ReceiptId
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import AgentName

_NAMES = {"k": "item", "f": "report", "r": "receipt", "p": "plan"}
_TEXTS = {"k": item_text, "f": report_text, "r": receipt_text, "p": plan_text}
_REMEDIES = {
    "k": "'fleetlore search' finds items; those of an agent's own need its --agent",
    "f": "'fleetlore show k_…' names the reports on an item",
    "r": "A receipt comes with every retrieval; 'fleetlore gaps' names some",
    "p": "'fleetlore consolidate', 'prune' and 'edit' name their plans, and so does the history of an item",
}


@commands.command()
@click.argument("id", shell_complete=ids_of("krpf"))
@agent_option
@data_option
@json_option
def show(id: str, agent: AgentName, data: Path, as_json: bool) -> None:
    """Show an item, report, receipt or plan whole, by its ID.

    Ids begin with k_, f_, r_ and p_ in this order.
    An item with its evidence down to the words of each report, its history, and what it contradicts or resembles.
    Next: `fleetlore edit`, `fleetlore prune` or `fleetlore undo`, as the last line says.
    """
    wanted = as_kept(id)
    prefix = wanted.partition("_")[0]
    if prefix not in _NAMES or "_" not in wanted:
        kinds = ", ".join(f"{prefix}_… for {'an' if name == 'item' else 'a'} {name}" for prefix, name in _NAMES.items())
        raise Refusal("id", f"{id!r} is no id", f"Ids are {kinds}; 'fleetlore search' finds items")
    found = with_ledger(data, "", lambda ledger: _account(ledger.read, prefix, wanted, Principal(agent=agent)))
    if found is None:
        raise Refusal("id", f"there is no {_NAMES[prefix]} {wanted}", _REMEDIES[prefix])
    tell(found, as_json, _TEXTS[prefix])


@commands.command()
@click.argument("receipt", shell_complete=ids_of("r"))
@agent_option
@data_option
@json_option
def why(receipt: str, agent: AgentName, data: Path, as_json: bool) -> None:
    """Show why a RECEIPT (r_…) showed what it did.

    As of then: why these items, in this order; what lay near and was not shown; and what has become of each.
    Next: `fleetlore show` an item that it names.
    """
    wanted, principal = ReceiptId(as_kept(receipt)), Principal(agent=agent)
    found = with_ledger(data, "", lambda ledger: receipt_account(ledger.read, wanted, principal))
    tell(found, as_json, receipt_text)


async def _account(view: LedgerView, prefix: str, wanted: str, principal: Principal) -> dict[str, Any] | None:
    match prefix:
        case "k":
            item = await view.item(ItemId(wanted), agent=principal.agent, pruned=True)
            return None if item is None else await item_account(view, item, principal.agent)
        case "f":
            return await report_account(view, FeedbackId(wanted), principal)
        case "r":
            return await receipt_account(view, ReceiptId(wanted), principal)
        case _:
            return await plan_account(view, PlanId(wanted), principal)
