"""For heat-api-cfn: Debian's keystone answers POST /v3/ec2tokens only to a service (CVE-2025-65073); its heat sends no token.

Without this filter every alarm_url is refused.
"""
from heat.api.aws import ec2token
from keystoneauth1 import loading, session
from oslo_config import cfg


class _Requests:
    session = None

    def post(self, url, data, headers, **_):
        if not self.session:
            plugin = loading.load_auth_from_conf_options(cfg.CONF, 'keystone_authtoken')
            self.session = session.Session(auth=plugin)
        return self.session.post(url, data=data, headers=headers, raise_exc=False)


def ec2token_filter(global_conf, **local_conf):
    ec2token.requests = _Requests()
    return ec2token.EC2Token_filter_factory(global_conf, **local_conf)
