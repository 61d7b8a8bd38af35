"""What is masked, what is left, and that hostile text costs nothing."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.text import has_secret, mask

MASKED = """
Server=db;User ID=etl;Password=S3cret;Encrypt=yes       | Server=db;User ID=etl;Password=***;Encrypt=yes
Server=db;Pwd=two S3cret;Encrypt=yes                    | Server=db;Pwd=***;Encrypt=yes
load.py --password "two S3cret" --full                  | load.py --password *** --full
load.py --password 'two S3cret' --full                  | load.py --password *** --full
load.py --password "S3cret never closed                 | load.py --password ***
load.py --password=S3cret&co                            | load.py --password=***&co
load.py "--password=S3cret"                             | load.py "--password=***"
load.py --db-password S3"cret                           | load.py --db-password ***
load.ps1 -Token S3cret -Verbose                         | load.ps1 -Token *** -Verbose
backup.exe /u:backup /p:S3cret /out:E:\\Backup          | backup.exe /u:backup /p:*** /out:E:\\Backup
schtasks /create /ru TOWN\\etl /rp S3cret               | schtasks /create /ru TOWN\\etl /rp ***
sqlcmd -S db -U etl -P S3cret -i load.sql               | sqlcmd -S db -U etl -P *** -i load.sql
plink -pw S3cret host.example                           | plink -pw *** host.example
set DB_PASSWORD=S3cret                                  | set DB_PASSWORD=***
curl -u etl:S3cret https://host.example/                | curl -u etl:*** https://host.example/
git pull https://etl:S3cret@host.example/x.git          | git pull https://etl:***@host.example/x.git
https://blob.example/x?se=2027&sig=S3cret%2B&sp=r       | https://blob.example/x?se=2027&sig=***&sp=r
curl -H "Authorization: Bearer S3cret.S3cret"           | curl -H "Authorization: Bearer ***"
--api-key S3cret --access_key=S3cret                    | --api-key *** --access_key=***
{"user": "etl", "password": "S3cret"}                   | {"user": "etl", "password": ***}
ConvertTo-SecureString 'S3cret' -AsPlainText -Force     | ConvertTo-SecureString *** -AsPlainText -Force
AKIAS3CRETS3CRETS3CR                                    | ***
load.py --token Bearer S3cret.x                         | load.py --token Bearer ***
curl -H "X-Auth-Token: Bearer S3cret1234"               | curl -H "X-Auth-Token: Bearer ***"
curl -H "Authorization: token S3cret"                   | curl -H "Authorization: token ***"
curl -H "Cookie: session=S3cret; a=b"                   | curl -H "Cookie: ***"
curl -H "Ocp-Apim-Subscription-Key: S3cret"             | curl -H "Ocp-Apim-Subscription-Key: ***"
Password=two S3cret;Server=db                           | Password=***;Server=db
Driver={SQL};Pwd={S3;cret};Uid=etl                      | Driver={SQL};Pwd=***;Uid=etl
PGPASSWORD=S3cret psql                                  | PGPASSWORD=*** psql
set DbPassword=S3cret                                   | set DbPassword=***
load.exe /dbpwd:S3cret                                  | load.exe /dbpwd:***
load.exe --smtppassword S3cret                          | load.exe --smtppassword ***
java -jar x.jar -storepass S3cret                       | java -jar x.jar -storepass ***
Endpoint=sb://x/;SharedAccessKey=S3cret=                | Endpoint=sb://x/;SharedAccessKey=***
net use Z: \\\\files\\tiles /user:TOWN\\etl S3cret          | net use Z: \\\\files\\tiles /user:TOWN\\etl ***
net use Z: \\\\files\\tiles S3cret /user:TOWN\\etl          | net use Z: \\\\files\\tiles *** /user:TOWN\\etl
net user bob S3cret /add                                | net user bob *** /add
mysqldump -h db -u etl -pS3cret portal                  | mysqldump -h db -u etl -p*** portal
7z a -pS3cret x.7z D:\\a                                 | 7z a -p*** x.7z D:\\a
rar a -hpS3cret x.rar D:\\a                              | rar a -hp*** x.rar D:\\a
psexec \\\\host -u TOWN\\etl -p S3cret cmd                 | psexec \\\\host -u TOWN\\etl -p *** cmd
sqlcmd -P S3cret -U etl                                 | sqlcmd -P *** -U etl
dtexec /F x.dtsx /De S3cret                             | dtexec /F x.dtsx /De ***
sqlplus etl/S3cret@portal @load.sql                     | sqlplus etl/***@portal @load.sql
lftp -u etl,S3cret host.example                         | lftp -u etl,*** host.example
sftp://etl:S3c/ret@host.example/                        | sftp://etl:***@host.example/
curl -u 'etl:S3 cret' https://host.example/             | curl -u 'etl:***' https://host.example/
ConvertTo-SecureString -AsPlainText "S3cret" -Force     | ConvertTo-SecureString -AsPlainText *** -Force
-Password (ConvertTo-SecureString S3cret -AsPlainText)  | -Password (ConvertTo-SecureString *** -AsPlainText)
{\\"user\\": \\"etl\\", \\"password\\": \\"S3cret\\"}           | {\\"user\\": \\"etl\\", \\"password\\": ***}
<Config><password>S3cret</password></Config>            | <Config><password>***</password></Config>
https://x.example/api/run?code=S3cret==&a=1             | https://x.example/api/run?code=***&a=1
setx API_TOKEN S3cret                                   | setx API_TOKEN ***
aws configure set aws_secret_access_key S3cret          | aws configure set aws_secret_access_key ***
SECRET_KEY=S3cret                                       | SECRET_KEY=***
load.py --secret-key S3cret --pass-phrase S3cret        | load.py --secret-key *** --pass-phrase ***
load.py --s3-secret-access-key S3cret                   | load.py --s3-secret-access-key ***
load.py --password "a""S3cret" --full                   | load.py --password *** --full
load.py --token glpat-S3cretS3cretS3cret1               | load.py --token ***
notify https://hooks.slack.com/services/T0/B0/S3cret    | notify https://hooks.slack.com/services/***
Its password: S3cret, until May                         | Its password: ***, until May
\\OpenData\\--password S3cret                            | \\OpenData\\--password ***
powershell -EncodedCommand UzNjcmV0UzNjcmV0UzNjcmV0UzNjcmV0UzNjcmV0 | powershell -EncodedCommand ***
"""
LEFT = """
load.py --password-file D:\\OpenData\\key.txt
load.py --password %DB_PASS% --token $env:TOKEN
load.py --token --verbose
powershell -NoProfile -ExecutionPolicy Bypass -File D:\\jobs\\password_check.ps1
serve.exe -p 8080 /path:D:\\Data
compass=3 bypass: yes
robocopy D:\\tiles \\\\fileserver.town.example\\tiles /MIR
http://localhost:8080/a@b
Basic maintenance of the roads, and a Visual Basic macro
Bearer instruments of the treasury
RP: Rivera, P. - Sig: the team - PW: weekly
Checks the token: expired tokens are removed
msbuild x.sln /p:Configuration=Release
robocopy D:\\a D:\\b /p:x
sqlcmd -U etl -P %PW%
psexec -u etl -p 1433
load.cmd /password:!PW! --token $(Get-Secret x)
load.ps1 -Password (Get-Secret -Name db) -Credential $cred
load.exe --password @pw.txt
schtasks /create /ru TOWN\\etl /rp *
docker run -u 1000:1000 image
load.py --password ***
D:\\--jobs\\password.txt x
"""
PAIRS = [tuple(part.strip() for part in line.split(" | ")) for line in MASKED.strip().splitlines()]


@pytest.mark.parametrize(("text", "expected"), PAIRS)
def test_secret_looking_value_is_masked(text: str, expected: str) -> None:
    assert mask(text) == expected
    assert has_secret(text)
    assert not re.search("s3cret|two |s3[; /]", mask(text), re.IGNORECASE)


@pytest.mark.parametrize("text", LEFT.strip().splitlines())
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert mask(text) == text
    assert not has_secret(text)


@given(st.text(alphabet="-/ pasword=:;\"'&Ux%$*tken@", max_size=60))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


HOSTILE = """a|--|://|-u a:|-U a -P |--password |password=|;pwd=|"|'|'password="|/p:|eyJ."""


@pytest.mark.parametrize("piece", HOSTILE.split("|"))
def test_ten_thousand_hostile_characters_take_no_time(piece: str) -> None:
    text = piece * (10_000 // len(piece))
    began = time.process_time()
    mask(text)
    assert time.process_time() - began < 1  # a bound that only a quadratic pattern misses
