"""For octavia-worker: real VIP ports in Neutron; what would touch an amphora goes to the noop driver."""
from octavia.network.drivers.neutron.allowed_address_pairs import AllowedAddressPairsDriver
from octavia.network.drivers.noop_driver.driver import NoopNetworkDriver


class VipOnly(NoopNetworkDriver):
    def __init__(self):
        super().__init__()
        self.real = AllowedAddressPairsDriver()

    def allocate_vip(self, loadbalancer):
        return self.real.allocate_vip(loadbalancer)

    def deallocate_vip(self, vip):
        self.real.deallocate_vip(vip)


class VipAndSubnets(VipOnly):
    """For Octavia 16: its noop driver invents subnets, none the VIP's, and the delete of the last member ends in ERROR."""

    def get_subnet(self, subnet_id, context=None):
        return self.real.get_subnet(subnet_id, context)
