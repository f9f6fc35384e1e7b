"""Texts as the groups of three characters that an index of parts of texts knows. Pure."""

from collections.abc import Collection, Sequence

_LENGTH = 3
# What more than one in so many texts holds narrows nothing down.
_RARE_IN = 25
# More of them would not find fewer people, and each costs a look into a list of its own.
_ENOUGH = 4


def telling_trigrams(sought: str, sample: Sequence[str]) -> Collection[str]:
    """Return the trigrams of a text by which it is told from others, or none if it has no such.

    An index that must hold the list of everybody who has ``exa`` against that of everybody who has ``77a`` reads
    in the long list once for each entry of the short one. So what is common is left out; whether the text is there
    as a whole is to be seen in those few who are left.

    :param sample: some of the texts in which it is sought.
    """
    trigrams = dict.fromkeys(sought[start : start + _LENGTH] for start in range(len(sought) - _LENGTH + 1))
    holding = {trigram: sum(trigram in text for text in sample) for trigram in trigrams}
    rare = [trigram for trigram in trigrams if holding[trigram] * _RARE_IN <= len(sample)]
    return sorted(rare, key=lambda trigram: holding[trigram])[:_ENOUGH]
