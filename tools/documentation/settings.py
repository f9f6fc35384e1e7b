"""Every setting, from the table that the application itself reads."""

from flask_gatehouse.settings.table import GROUPS, Setting


def text() -> str:
    return "\n".join(
        f"## {title}\n\n" + "\n".join(_described(setting) for setting in settings) for title, settings in GROUPS.items()
    )


def _described(setting: Setting) -> str:
    default = setting.otherwise if setting.default is None else f"`{setting.default}`"
    lines = [f"```{{confval}} {setting.name}", f':type: "{setting.kind}"']
    lines += [f':default: "{default}"'] if default else []
    return "\n".join([*lines, "", setting.about, "```", ""])
