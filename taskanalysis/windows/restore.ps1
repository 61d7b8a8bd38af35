<#
.SYNOPSIS
Puts scheduled tasks back. Needs Windows PowerShell 5.1 and what lies in this folder, nothing else.

.DESCRIPTION
Asks each account's password once, goes on after a failure, and ends with a table. A task that is there and differs is
saved in the folder "replaced" first. Tasks that start when they are registered do not start. -WhatIf only says what
would be done.

Exit code 0: done; 1: done, and a task could not be put back; 2: nothing done, since a file of this folder is missing or
was changed; 3: could not finish.

.EXAMPLE
powershell -NoProfile -ExecutionPolicy Bypass -File restore.ps1 -WhatIf
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param()

# What is put back. Every text of a task stands in single quotes with all quotes in it doubled, so none can run as code.
#DATA#

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$createOrUpdate, $noPrincipalEntry, $ignoreRegistrationTriggers = 0x6, 0x10, 0x20
$notFound = -2147024894, -2147024893  # 0x80070002 and 0x80070003: no such task, no such folder
$refusedLogon = '8007052e|-2147023570'  # the two ways in which a wrong password is told
$stamp = (Get-Date).ToUniversalTime().ToString('yyyyMMddTHHmmssZ')

function Get-Place([string] $file) {
    [IO.Path]::Combine($PSScriptRoot, $file)
}

function Read-Definition($task) {
    $sha256 = New-Object System.Security.Cryptography.SHA256CryptoServiceProvider
    $hash = [BitConverter]::ToString($sha256.ComputeHash([IO.File]::ReadAllBytes((Get-Place $task.File))))
    if ($hash.Replace('-', '') -ne $task.Sha256) { throw 'was changed after it was written (its sha256 differs)' }
    [IO.File]::ReadAllText((Get-Place $task.File), [Text.Encoding]::Unicode)
}

function Find-Task($task) {
    # the task as it stands now, nothing where it is not there
    try { $service.GetFolder($task.Folder).GetTask($task.Name) }
    catch { if ($notFound -notcontains $_.Exception.GetBaseException().HResult) { throw } }
}

function Get-Folder([string] $path) {
    # the folder; it and those above it are made where they are not there
    try { return $service.GetFolder($path) }
    catch { if ($notFound -notcontains $_.Exception.GetBaseException().HResult) { throw } }
    $null = $service.GetFolder('\').CreateFolder($path.TrimStart('\'))
    $service.GetFolder($path)
}

function Save-Replaced($old, $task) {
    $place = Get-Place ([IO.Path]::Combine('replaced', $stamp, $task.File))
    $null = [IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($place))
    [IO.File]::WriteAllText($place, $old.Xml, [Text.Encoding]::Unicode)
}

function Register-One($task, [string] $xml, $password) {
    $folder = Get-Folder $task.Folder
    if ($task.StartsAtOnce) {
        # only COM has the flag that keeps a registration trigger from starting the task
        $user = if ($task.Account) { $task.Account } else { $null }
        $flags = $createOrUpdate -bor $ignoreRegistrationTriggers
        $null = $folder.RegisterTask($task.Name, $xml, $flags, $user, $password, $task.Logon, $null)
    } else {
        # it lives in a module, which does not see our $ErrorActionPreference
        $with = @{ TaskName = $task.Name; TaskPath = $task.Folder.TrimEnd('\') + '\'; Xml = $xml }
        $with += @{ Force = $true; ErrorAction = 'Stop' }
        # with -User it wants a password; of a managed account, which has none, the definition tells the name
        if ($password) { $with.User = $task.Account; $with.Password = $password }
        $null = Register-ScheduledTask @with
    }
}

try {
    Write-Output $title
    $definitions = @{}
    $damaged = 0
    foreach ($task in $tasks) {
        try { $definitions[$task.File] = Read-Definition $task }
        catch { Write-Warning ($task.File + ': ' + $_.Exception.GetBaseException().Message); $damaged++ }
    }
    if ($damaged) { exit 2 }

    $me = [Security.Principal.WindowsIdentity]::GetCurrent()
    $rights = New-Object System.Security.Principal.WindowsPrincipal $me
    if (-not $rights.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        Write-Warning 'This PowerShell does not run as administrator: most tasks can not be put back.'
    }
    $service = New-Object -ComObject 'Schedule.Service'
    $service.Connect()

    $passwords = @{}
    foreach ($task in $tasks) {
        if ($task.AsksPassword -and -not $WhatIfPreference -and -not $passwords.ContainsKey($task.Account)) {
            $passwords[$task.Account] = Read-Host -AsSecureString -Prompt ('Password of ' + $task.Account)
        }
    }

    $refused = @{}
    $failed = 0
    $results = foreach ($task in $tasks) {
        $full = $task.Folder.TrimEnd('\') + '\' + $task.Name
        $xml = $definitions[$task.File]
        $result, $detail = 'failed', ''
        try {
            $old = Find-Task $task
            $verb = if ($old) { 'replace' } else { 'create' }
            if ($old -and [string]::Equals($old.Xml, $xml, [StringComparison]::Ordinal)) {
                $result, $detail = 'left alone', 'it is the same'
            } elseif (-not $PSCmdlet.ShouldProcess($full, $verb)) {
                $result = 'would ' + $verb
            } elseif ($task.AsksPassword -and $passwords[$task.Account].Length -eq 0) {
                $detail = 'no password was given for ' + $task.Account
            } elseif ($refused.ContainsKey($task.Account)) {
                # each further try would bring the account nearer to being locked
                $detail = 'not tried: the password of ' + $task.Account + ' was refused'
            } else {
                $password = $null
                if ($task.AsksPassword) {
                    $secret = New-Object System.Management.Automation.PSCredential 'any', $passwords[$task.Account]
                    $password = $secret.GetNetworkCredential().Password
                }
                if ($old) { Save-Replaced $old $task }
                Register-One $task $xml $password
                $result = if ($old) { 'replaced' } else { 'created' }
                $new = Find-Task $task
                if (-not $new) { throw 'it is not there after it was registered' }
                if ($new.Enabled -ne $task.Enabled) { throw 'it is not switched on or off as it should be' }
                if ($task.Sddl) {
                    try { $null = $new.SetSecurityDescriptor($task.Sddl, $noPrincipalEntry) }
                    catch { $detail = 'its access list is lost: ' + $_.Exception.GetBaseException().Message }
                }
            }
        } catch {
            $result, $detail = 'failed', $_.Exception.GetBaseException().Message.Trim()
            if (($_.FullyQualifiedErrorId + ' ' + $_.Exception.GetBaseException().HResult) -match $refusedLogon) {
                $refused[$task.Account] = $true
            }
        }
        if ($result -eq 'failed') { $failed++ }
        New-Object psobject -Property @{ Task = $full; Result = $result; Detail = $detail }
    }
    $columns = @('Task', 'Result', 'Detail')
    $results | Format-Table -Property $columns -AutoSize -Wrap | Out-String -Width 200 | Write-Output
    if ($failed) { exit 1 }
    exit 0
} catch {
    Write-Warning ('Could not finish: ' + $_.Exception.GetBaseException().Message)
    exit 3
}
