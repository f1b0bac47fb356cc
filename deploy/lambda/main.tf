# The functions on AWS Lambda behind one HTTP API, for OpenTofu or Terraform. See README.md. The same as template.yaml.

terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.60"
    }
  }
}

variable "auth_url" {
  description = "Keystone's address, e.g. https://keystone.example.org:5000/v3"
  type        = string
}

variable "credential_id" {
  description = "Id of an application credential"
  type        = string
}

variable "region_name" {
  description = "Region of the OpenStack cloud, if it has several"
  type        = string
  default     = ""
}

locals {
  # store: memory knows the launches of one process only; a second one would take a repeated launch. With a Redis that
  # launch-lab can reach, make its 1 a -1: no bound.
  concurrency = {
    launch-lab    = 1
    view-lab      = -1
    tend-labs     = -1
    grade-lab     = -1
    scale-cluster = -1
    deploy-site   = -1
  }
  # What is asked for each minute, and with whose token.
  passes = {
    tend-labs     = { path = "/", secret = "stackhook/tend-token" }
    scale-cluster = { path = "/reconcile", secret = "stackhook/reconcile-token" }
  }
}

# The values end up in the state: keep it where only those can read it who may read the secrets.
data "aws_secretsmanager_secret_version" "config" {
  secret_id = "stackhook/config"
}

data "aws_secretsmanager_secret_version" "credential" {
  secret_id = "stackhook/credential"
}

data "aws_secretsmanager_secret_version" "token" {
  for_each  = local.passes
  secret_id = each.value.secret
}

resource "aws_iam_role" "function" {
  name_prefix = "stackhook-function-"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "function" {
  for_each                       = local.concurrency
  function_name                  = "stackhook-${each.key}"
  role                           = aws_iam_role.function.arn
  filename                       = "${path.module}/../../dist/${each.key}.zip"
  source_code_hash               = filebase64sha256("${path.module}/../../dist/${each.key}.zip")
  runtime                        = "provided.al2023"
  architectures                  = ["x86_64"]
  handler                        = "bootstrap"
  memory_size                    = 128
  reserved_concurrent_executions = each.value
  # The HTTP API gives up after 30 s; the function answers half a second before its own time is over.
  timeout = 29
  environment {
    variables = {
      # The whole text. Lambda allows 4 kB for all variables together.
      STACKHOOK_CONFIG                 = data.aws_secretsmanager_secret_version.config.secret_string
      OS_AUTH_TYPE                     = "v3applicationcredential"
      OS_AUTH_URL                      = var.auth_url
      OS_APPLICATION_CREDENTIAL_ID     = var.credential_id
      OS_APPLICATION_CREDENTIAL_SECRET = data.aws_secretsmanager_secret_version.credential.secret_string
      OS_REGION_NAME                   = var.region_name
    }
  }
}

resource "aws_apigatewayv2_api" "api" {
  name          = "stackhook"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.api.id
  name        = "$default"
  auto_deploy = true
}

resource "aws_apigatewayv2_integration" "function" {
  for_each               = aws_lambda_function.function
  api_id                 = aws_apigatewayv2_api.api.id
  integration_type       = "AWS_PROXY"
  integration_uri        = each.value.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "function" {
  for_each  = aws_apigatewayv2_integration.function
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "ANY /${each.key}/{proxy+}"
  target    = "integrations/${each.value.id}"
}

resource "aws_lambda_permission" "api" {
  for_each      = aws_lambda_function.function
  action        = "lambda:InvokeFunction"
  function_name = each.value.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.api.execution_arn}/*/*/${each.key}/*"
}

resource "aws_iam_role" "timer" {
  name_prefix = "stackhook-timer-"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "scheduler.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "timer" {
  role = aws_iam_role.timer.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "lambda:InvokeFunction", Resource = [for name, pass in local.passes : aws_lambda_function.function[name].arn] }]
  })
}

# A pass each minute. The schedule sends what the HTTP API would.
resource "aws_scheduler_schedule" "pass" {
  for_each            = local.passes
  name                = "stackhook-${each.key}"
  schedule_expression = "rate(1 minute)"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_lambda_function.function[each.key].arn
    role_arn = aws_iam_role.timer.arn
    retry_policy {
      maximum_retry_attempts = 0 # the next minute tries again
    }
    input = jsonencode({
      version         = "2.0"
      routeKey        = "$default"
      rawPath         = each.value.path
      rawQueryString  = ""
      headers         = { authorization = "Bearer ${data.aws_secretsmanager_secret_version.token[each.key].secret_string}" }
      requestContext  = { stage = "$default", http = { method = "POST", path = each.value.path } }
      isBase64Encoded = false
    })
  }
}

output "public_url" {
  description = "The value of public_url, unless a domain of your own stands in front"
  value       = aws_apigatewayv2_api.api.api_endpoint
}
