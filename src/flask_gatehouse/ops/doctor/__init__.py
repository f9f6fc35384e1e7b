"""``gatehouse doctor``: the checklist of a deployment, carried out instead of ticked off.

A check asks or tries something and shows the answer; a setting alone proves nothing, and what could not be asked is
told as that. ``checklist`` lists all of them, one file for each group; ``running`` carries them out side by side, each
with a deadline; ``report`` says what came of it. Those in ``live_…`` ask a deployment as a stranger would.
"""
