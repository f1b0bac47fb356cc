#!/usr/bin/env python3
"""app-config.py TUTOR_ROOT PLUGINS_ROOT: writes Tutor's settings, a plugin of patches, and what Compose adds, from the site's settings
in the environment. The same on every node: Tutor would make up secrets of its own for what is missing. JSON is YAML, and needs no
library."""
import base64, hashlib, json, os, pathlib, sys, urllib.parse, uuid

env = os.environ
root, plugins = map(pathlib.Path, sys.argv[1:3])
peers = env["PEERS"].split()
lms, health = env["LMS_HOST"], env.get("HEALTH_PORT") or "8079"
data = "data.site.internal"  # this node: HAProxy, which knows the way to MySQL's writer and Redis's primary
search = env.get("SEARCH_HOST", "")
bucket, public = env.get("S3_BUCKET", ""), env.get("S3_PUBLIC_BUCKET", "")
if public and public in (bucket, env.get("BACKUP_BUCKET")):
    sys.exit(f"all the world may read the bucket {public}: uploads and backups need others")


def derived(what):
    return hashlib.sha256(f"{what} {env['OPENEDX_SECRET_KEY']}".encode()).digest()


settings = json.loads(env.get("SETTINGS") or "{}")
own_mail = "SMTP_HOST" in settings
settings.update(
    {
        "ID": derived("id").hex()[:24],
        "LMS_HOST": lms,
        "CMS_HOST": env["STUDIO_HOST"],
        "MFE_HOST": env["MFE_HOST"],
        "PLATFORM_NAME": env["PLATFORM_NAME"],
        "CONTACT_EMAIL": env["CONTACT_EMAIL"],
        "ENABLE_WEB_PROXY": False,
        "ENABLE_HTTPS": True,
        "CADDY_HTTP_PORT": int(env.get("APP_PORT") or 80),
        "RUN_MYSQL": False,
        "RUN_MONGODB": False,
        "RUN_REDIS": False,
        "RUN_MEILISEARCH": False,
        "RUN_SMTP": not own_mail,
        "OPENEDX_SECRET_KEY": env["OPENEDX_SECRET_KEY"],
        "CMS_OAUTH2_SECRET": env["CMS_OAUTH2_SECRET"],
        "JWT_RSA_PRIVATE_KEY": base64.b64decode(env["JWT_RSA_PRIVATE_KEY"]).decode(),
        "MYSQL_HOST": data,
        "MYSQL_PORT": 3306,
        "MYSQL_ROOT_USERNAME": "root" + env.get("MYSQL_SLOT", ""),
        "MYSQL_ROOT_PASSWORD": env["MYSQL_ROOT_PASSWORD"],
        "OPENEDX_MYSQL_DATABASE": "openedx",
        "OPENEDX_MYSQL_USERNAME": "openedx" + env.get("MYSQL_SLOT", ""),
        "OPENEDX_MYSQL_PASSWORD": env["MYSQL_PASSWORD"],
        "MONGODB_HOST": "mongodb.site.internal",
        "MONGODB_PORT": 27017,
        "MONGODB_DATABASE": "openedx",
        "MONGODB_USERNAME": "openedx" + env.get("MONGODB_SLOT", ""),
        "MONGODB_PASSWORD": env["MONGODB_PASSWORD"],
        "MONGODB_REPLICA_SET": "openedx",
        "MONGODB_AUTH_SOURCE": "admin",
        "MONGODB_AUTH_MECHANISM": "SCRAM-SHA-256",
        "REDIS_HOST": data,
        "REDIS_PORT": 6379,
        "REDIS_USERNAME": "openedx",
        "REDIS_PASSWORD": env["REDIS_PASSWORD"],
        "MEILISEARCH_URL": f"http://{peers[0]}:7700",
        "MEILISEARCH_PUBLIC_URL": f"https://{search or lms}",
        "MEILISEARCH_MASTER_KEY": env["SEARCH_KEY"],
        "MEILISEARCH_API_KEY_UID": str(uuid.UUID(bytes=derived("search")[:16], version=4)),
    }
)
if bucket:
    s3 = urllib.parse.urlsplit(env["S3_ENDPOINT"])
    # Open edX adds the picture's version to its address, which breaks a signature: so pictures are in a bucket that all may read,
    # below a name of its own, without one. Swift has that at another place than S3. All other addresses are signed, and end.
    pictures = urllib.parse.urlsplit(env.get("S3_PUBLIC_URL") or f"//{s3.netloc}/{public}")
    settings.update(
        {
            "OPENEDX_AWS_ACCESS_KEY": env["S3_ACCESS_KEY"],
            "OPENEDX_AWS_SECRET_ACCESS_KEY": env["S3_SECRET_KEY"],
            "S3_HOST": s3.hostname,
            "S3_PORT": str(s3.port or (443 if s3.scheme == "https" else 80)),
            "S3_USE_SSL": s3.scheme == "https",
            "S3_REGION": env.get("S3_REGION", ""),
            "S3_STORAGE_BUCKET": bucket,
            "S3_FILE_UPLOAD_BUCKET": bucket,
            "S3_GRADE_BUCKET": bucket,
            "S3_CUSTOM_DOMAIN": "",
            "S3_DEFAULT_ACL": None,  # the bucket's
            "S3_PROFILE_IMAGE_BUCKET": public or bucket,
            "S3_PROFILE_IMAGE_CUSTOM_DOMAIN": public
            and settings.get("S3_PROFILE_IMAGE_CUSTOM_DOMAIN", pictures.netloc + pictures.path),
            "S3_ADDRESSING_STYLE": settings.get("S3_ADDRESSING_STYLE", "path"),  # radosgw without names of buckets in DNS
        }
    )

# Caddy answers 200 to a Host that it does not know, whether the LMS lives or not: so a listener of its own, with the LMS's own
# check behind it. TLS ends at the load balancer, which cannot be told to say so: Caddy says it in its place.
caddy = f""":{health} {{
    rewrite * /heartbeat
    reverse_proxy lms:8000 {{
        header_up Host {lms}
        header_up X-Forwarded-Proto https
        transport http {{
            dial_timeout 2s
            response_header_timeout 8s
        }}
    }}
}}
"""
if search:
    caddy += f"""{search}{{$default_site_port}} {{
    reverse_proxy {peers[0]}:7700
}}
"""
https = "request_header X-Forwarded-Proto https\n"
plugin = {
    "name": "stackhook",
    "version": "1.0.0",
    "patches": {
        "caddyfile": caddy,
        "caddyfile-global": "servers {\n    trusted_proxies static private_ranges\n}\n",
        "caddyfile-lms": https,
        "caddyfile-cms": https,
    },
}

# Containers do not see the node's /etc/hosts.
hosts = [f"{data}:host-gateway"]
for i, address in enumerate(peers):
    hosts += [f"mongo-{i}.site.internal:{address}", f"mongodb.site.internal:{address}"]


def compose(*services):
    return {name: {"extra_hosts": hosts} for name in services}


services = compose("lms", "cms", "lms-worker", "cms-worker")
for name in ("lms-worker", "cms-worker"):
    services[name]["stop_grace_period"] = "5m"
services["caddy"] = {"ports": [f"{health}:{health}"]}
jobs = compose("lms-job", "cms-job", "mysql-job")


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
    new.replace(path)


write(root / "config.yml", settings)
write(plugins / "stackhook.yml", plugin)
write(root / "env/local/docker-compose.override.yml", {"services": services})
write(root / "env/local/docker-compose.jobs.override.yml", {"services": jobs})
