"""A plug-in of heat-engine. oslo.messaging 14.0.3 strips the trust from a notification's context; heat 19.0.0 then fails
to look up its roles, and no signal to a scaling policy has any effect ("no password trust or auth_token!").
"""
from heat.common import context

_load = context.StoredContext._load_keystone_data


def _load_if_possible(self):
    if self.trust_id or self.auth_token or self.password:
        _load(self)
    self._keystone_loaded = True


context.StoredContext._load_keystone_data = _load_if_possible
