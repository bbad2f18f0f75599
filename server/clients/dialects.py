"""The clients: where each keeps its servers and its rules, and in which dialect. One table, and nothing else.

A place is a pattern: `{home}`, `{project}` (the root of the project), `{apps}` (where the platform's programs keep
their settings), `{config}` (where those that follow XDG do), and `{claude}`, `{claude_state}`, `{codex}` (which these
two let one move).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Scope = Literal["user", "project"]
SCOPES: tuple[Scope, ...] = ("user", "project")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Where a client reads rules: the first of these files that exists, else the one to make.

    With a `head` the file is ours alone and begins with that; without one our rules are a block in it.
    """

    files: tuple[str, ...]
    make: str
    head: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """One client.

    `files` holds its settings file for each scope it has, `servers` the keys that lead to its servers there. An entry
    for a server that it starts is `command` and `args`, for one that it reaches over HTTP `address` and the token:
    `token` is the form in which a header refers to a variable NAME of the environment, `token_key` a key that takes the
    variable's name alone. Without either it can refer to none, without an `address` it knows only servers it starts.
    `typed` entries carry `type` as well.
    """

    title: str
    files: Mapping[Scope, str]
    format: Literal["json", "toml"] = "json"
    servers: str = "mcpServers"
    typed: bool = False
    address: str = "url"
    token: str = ""
    token_key: str = ""
    input: bool = False
    rules: Mapping[Scope, Rules] = field(default_factory=dict)
    plugin: Mapping[Scope, str] = field(default_factory=dict)
    signs: tuple[str, ...] = ()
    program: str = ""
    then: str = ""


_ZED_RULES = (
    ".rules",
    ".cursorrules",
    ".windsurfrules",
    ".clinerules",
    ".github/copilot-instructions.md",
    "AGENT.md",
    "AGENTS.md",
    "CLAUDE.md",
    "GEMINI.md",
)
_ALWAYS = "description: How to use fleetlore, the memory that this team's agents share\n"

DIALECTS: Mapping[str, Dialect] = {
    "claude-code": Dialect(
        title="Claude Code",
        files={"user": "{claude_state}/.claude.json", "project": "{project}/.mcp.json"},
        typed=True,
        token="${NAME}",
        rules={
            "user": Rules(files=("{claude}/CLAUDE.md",), make="{claude}/CLAUDE.md"),
            "project": Rules(files=("{project}/CLAUDE.md", "{project}/.claude/CLAUDE.md"), make="{project}/CLAUDE.md"),
        },
        plugin={"user": "{claude}/skills/fleetlore", "project": "{project}/.claude/skills/fleetlore"},
        signs=("{claude}", "{claude_state}/.claude.json"),
        program="claude",
        then="Start a new session; /mcp shows the server, /plugin the hooks.",
    ),
    "cursor": Dialect(
        title="Cursor",
        files={"user": "{home}/.cursor/mcp.json", "project": "{project}/.cursor/mcp.json"},
        token="${env:NAME}",
        rules={
            "project": Rules(
                files=(),
                make="{project}/.cursor/rules/fleetlore.mdc",
                head=f"---\n{_ALWAYS}alwaysApply: true\n---\n\n",
            ),
        },
        signs=("{home}/.cursor",),
        program="cursor",
        then="Restart Cursor and switch the server on under Settings, MCP.",
    ),
    "vscode": Dialect(
        title="VS Code",
        files={"user": "{apps}/Code/User/mcp.json", "project": "{project}/.vscode/mcp.json"},
        servers="servers",
        typed=True,
        input=True,
        rules={
            "user": Rules(
                files=(),
                make="{home}/.copilot/instructions/fleetlore.instructions.md",
                head=f'---\n{_ALWAYS}applyTo: "**"\n---\n\n',
            ),
            "project": Rules(
                files=(),
                make="{project}/.github/instructions/fleetlore.instructions.md",
                head=f'---\n{_ALWAYS}applyTo: "**"\n---\n\n',
            ),
        },
        signs=("{apps}/Code",),
        program="code",
        then="Open the chat in agent mode; MCP: List Servers starts and shows it.",
    ),
    "codex": Dialect(
        title="Codex",
        files={"user": "{codex}/config.toml", "project": "{project}/.codex/config.toml"},
        format="toml",
        servers="mcp_servers",
        token_key="bearer_token_env_var",
        rules={
            "user": Rules(files=("{codex}/AGENTS.override.md", "{codex}/AGENTS.md"), make="{codex}/AGENTS.md"),
            "project": Rules(files=("{project}/AGENTS.override.md", "{project}/AGENTS.md"), make="{project}/AGENTS.md"),
        },
        signs=("{codex}",),
        program="codex",
        then="Start a new session; /mcp shows the server.",
    ),
    "claude-desktop": Dialect(
        title="Claude Desktop",
        files={"user": "{apps}/Claude/claude_desktop_config.json"},
        address="",
        signs=("{apps}/Claude",),
        then="Quit Claude Desktop wholly and start it again.",
    ),
    "gemini-cli": Dialect(
        title="Gemini CLI",
        files={"user": "{home}/.gemini/settings.json", "project": "{project}/.gemini/settings.json"},
        address="httpUrl",
        token="${NAME}",
        rules={
            "user": Rules(files=("{home}/.gemini/GEMINI.md",), make="{home}/.gemini/GEMINI.md"),
            "project": Rules(files=("{project}/GEMINI.md",), make="{project}/GEMINI.md"),
        },
        signs=("{home}/.gemini",),
        program="gemini",
        then="Start a new session; /mcp shows the server.",
    ),
    "windsurf": Dialect(
        title="Windsurf",
        files={"user": "{home}/.codeium/windsurf/mcp_config.json"},
        address="serverUrl",
        token="${env:NAME}",
        rules={
            "user": Rules(
                files=("{home}/.codeium/windsurf/memories/global_rules.md",),
                make="{home}/.codeium/windsurf/memories/global_rules.md",
            ),
        },
        signs=("{home}/.codeium/windsurf",),
        program="windsurf",
        then="Refresh the MCP servers in Cascade.",
    ),
    "zed": Dialect(
        title="Zed",
        files={"user": "{config}/zed/settings.json", "project": "{project}/.zed/settings.json"},
        servers="context_servers",
        rules={
            "user": Rules(files=("{config}/zed/AGENTS.md",), make="{config}/zed/AGENTS.md"),
            "project": Rules(files=tuple(f"{{project}}/{name}" for name in _ZED_RULES), make="{project}/AGENTS.md"),
        },
        signs=("{config}/zed",),
        program="zed",
        then="The Agent Panel's settings show the server at once.",
    ),
    "jetbrains": Dialect(
        title="JetBrains (Junie)",
        files={"user": "{home}/.junie/mcp/mcp.json", "project": "{project}/.junie/mcp/mcp.json"},
        rules={
            "user": Rules(files=("{home}/.junie/AGENTS.md",), make="{home}/.junie/AGENTS.md"),
            "project": Rules(
                files=("{project}/.junie/AGENTS.md", "{project}/AGENTS.md", "{project}/.junie/guidelines.md"),
                make="{project}/.junie/AGENTS.md",
            ),
        },
        signs=("{home}/.junie", "{apps}/JetBrains"),
        then="Settings, Tools, Junie, MCP Settings shows the server.",
    ),
}
