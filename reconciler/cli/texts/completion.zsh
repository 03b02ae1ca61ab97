#compdef reconciler
# Completion of reconciler for zsh; generated.
# Names of entries as they are usually laid out: a kind at the margin, its names one step in.
_reconciler_addresses() {
    find "$1/manifests" "$1/overlays" -name '*.yaml' ! -name '*.test.yaml' -exec awk '
        FNR == 1 { kind = "" }
        /^[a-z][a-z0-9_]*\.[a-z0-9_]+:/ { sub(/:.*/, "", $1); kind = $1; step = 0; next }
        /^[^ #]/ { kind = "" }
        kind != "" && match($0, /^ +/) {
            if (!step) step = RLENGTH
            if (RLENGTH == step && $1 ~ /^[A-Za-z0-9][A-Za-z0-9_.@-]*:/) { sub(/:.*/, "", $1); print kind "/" $1 }
        }' {} + 2>/dev/null | sort -u
}

# Keys below one key of reconciler.yaml: stacks, vendors.
_reconciler_keys() {
    awk -v section="$2:" '
        $1 == section && /^[a-z]/ { on = 1; step = 0; next }
        /^[^ #]/ { on = 0 }
        on && match($0, /^ +/) {
            if (!step) step = RLENGTH
            if (RLENGTH == step && $1 ~ /^[a-z0-9][a-z0-9_-]*:/) { sub(/:.*/, "", $1); print $1 }
        }' "$1/reconciler.yaml" 2>/dev/null
}

# The words for what is taken; $1 is the project's folder, $2 what is taken.
_reconciler_words() {
    case $2 in
        address) _reconciler_addresses "$1" ;;
        subject) _reconciler_addresses "$1"; printf '%s\n' posthog.action posthog.cohort posthog.dashboard posthog.event_definition posthog.experiment posthog.feature_flag posthog.property_definition posthog.schema_property_group posthog.survey resend.api_key resend.contact_property resend.domain resend.segment resend.template resend.topic resend.webhook sentry.alert sentry.client_key sentry.cron_monitor sentry.inbound_filters sentry.metric_monitor sentry.ownership sentry.project sentry.team stripe.coupon stripe.feature stripe.meter stripe.portal_configuration stripe.price stripe.product stripe.product_feature stripe.promotion_code stripe.tax_rate stripe.webhook_endpoint vault.approle_role vault.audit_device vault.auth_method vault.database_connection vault.database_role vault.database_static_role vault.identity_group vault.jwt_role vault.kubernetes_role vault.kv_config vault.kv_secret vault.mount vault.password_policy vault.policy vault.transit_key ;;
        kind) printf '%s\n' posthog.action posthog.cohort posthog.dashboard posthog.event_definition posthog.experiment posthog.feature_flag posthog.property_definition posthog.schema_property_group posthog.survey resend.api_key resend.contact_property resend.domain resend.segment resend.template resend.topic resend.webhook sentry.alert sentry.client_key sentry.cron_monitor sentry.inbound_filters sentry.metric_monitor sentry.ownership sentry.project sentry.team stripe.coupon stripe.feature stripe.meter stripe.portal_configuration stripe.price stripe.product stripe.product_feature stripe.promotion_code stripe.tax_rate stripe.webhook_endpoint vault.approle_role vault.audit_device vault.auth_method vault.database_connection vault.database_role vault.database_static_role vault.identity_group vault.jwt_role vault.kubernetes_role vault.kv_config vault.kv_secret vault.mount vault.password_policy vault.policy vault.transit_key ;;
        vendor) printf '%s\n' posthog resend sentry stripe vault ;;
        impact) printf '%s\n' delete money access adopt drift behavioural additive cosmetic ;;
        stack) _reconciler_keys "$1" stacks ;;
        connection) _reconciler_keys "$1" vendors ;;
    esac
}

# What fits behind $1, a command, when $2 is the word before.
_reconciler_table() {
    case $1 in
        "init")
            flags='--vendor --project --yes --dir -C --sandbox --no-color --quiet -q --no-input -v --verbose --help -h'
            case $2 in
                --vendor) take=vendor ;;
                --project) take=text ;;
                --dir|-C) take=directory ;;
                *) take=flag+ ;;
            esac ;;
        "validate")
            flags='--stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --format --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from) take=text ;;
                --format) choices='text json markdown sarif junit' ;;
                *) take=flag+ ;;
            esac ;;
        "fmt")
            flags='--check --dir -C --no-color --quiet -q --help -h'
            case $2 in
                --dir|-C) take=directory ;;
                *) take=file+ ;;
            esac ;;
        "diff")
            flags='--stack -s --detailed-exitcode --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --format --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from) take=text ;;
                --format) choices='text json' ;;
                *) take=flag+ ;;
            esac ;;
        "plan")
            flags='--out --detailed-exitcode --show-unchanged --all-stacks --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --vendor --target --exclude --changed-since --allow --leave-drift --max-delete-percent --max-changes --parallelism --timeout --format --json-into --help -h'
            case $2 in
                --out|--json-into) take=file ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from|--changed-since|--max-delete-percent|--max-changes|--parallelism|--timeout) take=text ;;
                --vendor) take=connection ;;
                --target|--exclude) take=address ;;
                --allow) take=impact ;;
                --format) choices='text json markdown html sarif junit' ;;
                *) take=flag+ ;;
            esac ;;
        "show")
            flags='--show-unchanged --detailed-exitcode --no-color --format --help -h'
            case $2 in
                --format) choices='text json markdown html sarif junit' ;;
                *) take=file+ ;;
            esac ;;
        "apply")
            flags='--auto-approve --digest --skip-blocked --show-unchanged --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --vendor --target --exclude --changed-since --allow --leave-drift --max-delete-percent --max-changes --parallelism --timeout --lock-timeout --format --json-into --help -h'
            case $2 in
                --digest|--config-from|--changed-since|--max-delete-percent|--max-changes|--parallelism|--timeout|--lock-timeout) take=text ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --vendor) take=connection ;;
                --target|--exclude) take=address ;;
                --allow) take=impact ;;
                --format) choices='text json markdown' ;;
                --json-into) take=file ;;
                *) take=file+ ;;
            esac ;;
        "drift")
            flags='--write --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --vendor --target --exclude --changed-since --parallelism --timeout --format --json-into --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from|--changed-since|--parallelism|--timeout) take=text ;;
                --vendor) take=connection ;;
                --target|--exclude) take=address ;;
                --format) choices='text json markdown' ;;
                --json-into) take=file ;;
                *) take=flag+ ;;
            esac ;;
        "undo")
            flags='--to --write --out --detailed-exitcode --show-unchanged --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --vendor --target --exclude --changed-since --allow --leave-drift --max-delete-percent --max-changes --parallelism --timeout --format --json-into --help -h'
            case $2 in
                --to|--config-from|--changed-since|--max-delete-percent|--max-changes|--parallelism|--timeout) take=text ;;
                --out|--json-into) take=file ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --vendor) take=connection ;;
                --target|--exclude) take=address ;;
                --allow) take=impact ;;
                --format) choices='text json markdown html sarif junit' ;;
                *) take=flag+ ;;
            esac ;;
        "destroy")
            flags='--auto-approve --skip-blocked --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --vendor --target --exclude --changed-since --allow --leave-drift --max-delete-percent --max-changes --parallelism --timeout --lock-timeout --format --json-into --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from|--changed-since|--max-delete-percent|--max-changes|--parallelism|--timeout|--lock-timeout) take=text ;;
                --vendor) take=connection ;;
                --target|--exclude) take=address ;;
                --allow) take=impact ;;
                --format) choices='text json markdown' ;;
                --json-into) take=file ;;
                *) take=flag+ ;;
            esac ;;
        "import")
            flags='--take-over --from --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --parallelism --timeout --lock-timeout --format --help -h'
            case $2 in
                --from) take=file ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from|--parallelism|--timeout|--lock-timeout) take=text ;;
                --format) choices='text json markdown' ;;
                *) take=address+ ;;
            esac ;;
        "export")
            flags='--vendor --kind --match --archived --from --write --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --parallelism --timeout --help -h'
            case $2 in
                --vendor) take=connection ;;
                --kind|--match|--config-from|--parallelism|--timeout) take=text ;;
                --from) take=file ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                *) take=flag+ ;;
            esac ;;
        "output")
            flags='--format --check --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --parallelism --timeout --help -h'
            case $2 in
                --format) choices='json dotenv zone' ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from|--parallelism|--timeout) take=text ;;
                *) take=flag+ ;;
            esac ;;
        "graph")
            flags='--format --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --help -h'
            case $2 in
                --format) choices='text mermaid dot' ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from) take=text ;;
                *) take=flag+ ;;
            esac ;;
        "explain")
            flags='--stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --parallelism --timeout --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from|--parallelism|--timeout) take=text ;;
                *) take=subject+ ;;
            esac ;;
        "ledger")
            flags='--help -h'
            case $2 in
                *) take=choice+ choices='list show log forget move unlock verify migrate rebuild' ;;
            esac ;;
        "ledger list")
            flags='--stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --format --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from) take=text ;;
                --format) choices='text json' ;;
                *) take=address+ ;;
            esac ;;
        "ledger show")
            flags='--stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --format --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from) take=text ;;
                --format) choices='text json' ;;
                *) take=address+ ;;
            esac ;;
        "ledger log")
            flags='--limit -n --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --format --help -h'
            case $2 in
                --limit|-n|--config-from) take=text ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --format) choices='text json' ;;
                *) take=flag+ ;;
            esac ;;
        "ledger forget")
            flags='--stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --lock-timeout --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from|--lock-timeout) take=text ;;
                *) take=address+ ;;
            esac ;;
        "ledger move")
            flags='--stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --lock-timeout --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from|--lock-timeout) take=text ;;
                *) take=address+ ;;
            esac ;;
        "ledger unlock")
            flags='--run --store --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --help -h'
            case $2 in
                --run|--store|--config-from) take=text ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                *) take=flag+ ;;
            esac ;;
        "ledger verify")
            flags='--stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from) take=text ;;
                *) take=flag+ ;;
            esac ;;
        "ledger migrate")
            flags='--stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --lock-timeout --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from|--lock-timeout) take=text ;;
                *) take=text+ ;;
            esac ;;
        "ledger rebuild")
            flags='--vendor --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --parallelism --timeout --lock-timeout --help -h'
            case $2 in
                --vendor) take=connection ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from|--parallelism|--timeout|--lock-timeout) take=text ;;
                *) take=flag+ ;;
            esac ;;
        "ci")
            flags='--help -h'
            case $2 in
                *) take=choice+ choices='comment check digest issue' ;;
            esac ;;
        "ci comment")
            flags='--failed --result --redact --pull --help -h'
            case $2 in
                --failed|--result) take=file ;;
                --pull) take=text ;;
                *) take=file+ ;;
            esac ;;
        "ci check")
            flags='--failed --require-approval --redact --pull --name --app --help -h'
            case $2 in
                --failed) take=file ;;
                --pull|--name|--app) take=text ;;
                *) take=file+ ;;
            esac ;;
        "ci digest")
            flags='--stack -s --project --require-approval --name --app --help -h'
            case $2 in
                --stack|-s) take=stack ;;
                --project|--name|--app) take=text ;;
                *) take=flag+ ;;
            esac ;;
        "ci issue")
            flags='--label --redact --help -h'
            case $2 in
                --label) take=text ;;
                *) take=file+ ;;
            esac ;;
        "schema")
            flags='--write --help -h'
            case $2 in
                --write) take=directory ;;
                *) take=choice+ choices='manifest plan reconciler' ;;
            esac ;;
        "docs")
            flags='--write --cases --help -h'
            case $2 in
                --write) take=directory ;;
                --cases) take=file ;;
                *) take=kind+ ;;
            esac ;;
        "sandbox")
            flags='--port --stack -s --dir -C --config-from --no-color --quiet -q --no-input -v --verbose --help -h'
            case $2 in
                --port|--config-from) take=text ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                *) take=flag+ ;;
            esac ;;
        "doctor")
            flags='--vendor --stack -s --dir -C --sandbox --config-from --no-color --quiet -q --no-input -v --verbose --parallelism --timeout --format --help -h'
            case $2 in
                --vendor) take=connection ;;
                --stack|-s) take=stack ;;
                --dir|-C) take=directory ;;
                --config-from|--parallelism|--timeout) take=text ;;
                --format) choices='text json' ;;
                *) take=flag+ ;;
            esac ;;
        "completion")
            flags='--help -h'
            case $2 in
                *) take=choice+ choices='bash fish zsh' ;;
            esac ;;
        "version")
            flags='--json --help -h'
            case $2 in
                *) take=flag+ ;;
            esac ;;
    esac
}

_reconciler() {
    local cur=$PREFIX prev=${words[CURRENT-1]} command=${words[2]} dir=${RECONCILER_DIR:-.} flags take choices n
    for ((n = 3; n < CURRENT - 1; n++)); do
        case ${words[n]} in --dir|-C) dir=${words[n+1]} ;; esac
    done
    if [[ $cur == --*=* ]]; then prev=${cur%%=*}; compset -P '*='; cur=$PREFIX; fi
    if ((CURRENT == 2)); then
        choices='init validate fmt diff plan show apply drift undo destroy import export output graph explain ledger ci schema docs sandbox doctor completion version'
    else
        case "$command ${words[3]}" in "ledger list"|"ledger show"|"ledger log"|"ledger forget"|"ledger move"|"ledger unlock"|"ledger verify"|"ledger migrate"|"ledger rebuild"|"ci comment"|"ci check"|"ci digest"|"ci issue") ((CURRENT > 3)) && command="$command ${words[3]}" ;; esac
        _reconciler_table "$command" "$prev"
        if [[ $cur == *:* && $take == impact ]]; then compset -P '*:'; take=address
        elif [[ $take == flag+ || ($take == *+ && $cur == -*) ]]; then take=; choices=$flags; fi
    fi
    take=${take%+}
    case $take in
        file) _files ;;
        directory) _files -/ ;;
        *) compadd -- ${=choices} ${(f)"$(_reconciler_words "$dir" "$take")"} ;;
    esac
}
if [[ ${funcstack[1]} == _reconciler ]]; then _reconciler "$@"; else compdef _reconciler reconciler; fi
