"""For neutron-server: binds every port on every host, without an agent, and reports it ACTIVE."""
from neutron_lib.plugins.ml2 import api


class BindAll(api.MechanismDriver):
    def initialize(self):
        pass

    def bind_port(self, context):
        context.set_binding(context.segments_to_bind[0][api.ID], 'ovs', {'port_filter': True}, status='ACTIVE')
