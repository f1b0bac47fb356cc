# What Heat's own client is told of the same site: prints the environment, with secrets drawn once.
draw() { openssl rand -hex 24; }
cat <<YAML
parameters:
  lms_host: learn.example.org
  studio_host: studio.learn.example.org
  mfe_host: apps.learn.example.org
  search_host: search.learn.example.org
  contact_email: ops@example.org
  app_image: debian-12
  app_flavor: m1.tiny
  app_count: 1
  app_min: 1
  app_max: 2
  backend_image: debian-12
  backend_flavor: m1.tiny
  backend_affinity: soft
  mysql_size: 5
  mongodb_size: 5
  secrets:
    mysql_root_password: $(draw)
    mysql_password: $(draw)
    mysql_sst_password: $(draw)
    mongodb_key: $(openssl rand -base64 384 | tr -d '\n')
    mongodb_admin_password: $(draw)
    mongodb_password: $(draw)
    redis_password: $(draw)
    search_key: $(draw)
    openedx_secret_key: $(draw)
    cms_oauth2_secret: $(draw)
    jwt_rsa_private_key: $(openssl genrsa -traditional 2048 2>/dev/null | base64 -w 0)
    s3_access_key: ""
    s3_secret_key: ""
YAML
