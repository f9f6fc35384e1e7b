"""Signing in: identity providers, the OpenID Connect client, what is refused and why, who may sign up.

``service.complete`` is one sign-in from the provider's answer to the session; ``rules`` decides about addresses and
sign-up; ``attempt`` is what a browser must bring back. ``oidc`` and ``github`` ask the providers, through ``http``,
whose calls end; ``discovery``, ``keys`` and ``tokens`` say what is believed of what they answer.
"""
